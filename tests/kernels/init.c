// First and only program of the virtual machine: records the workload, sends what came out, ends the machine.
//
// Everything is in the initial ramdisk, so that no kernel module is needed: /tracehound, /workload, and /out for the
// results. They leave by the second serial line, a file after the other, each as the line `file NAME SIZE` and its
// bytes; after the last one the line `end`.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

// Emulated machines are slow; one that takes this long does not come back.
enum { SECONDS = 400 };

static void say(const char *what) { dprintf(1, "init: %s: %s\n", what, strerror(errno)); }

static void mount_on(const char *type, const char *where) {
    mkdir(where, 0755);
    if (mount(type, where, type, 0, NULL)) say(where);
}

static void set(const char *path, const char *value) {
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, value, strlen(value)) < 0) say(path);
    close(fd);
}

static void raise_loopback(void) {
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo)) say("lo");
    close(fd);
}

// Runs a program with its output in a file and returns its status as of wait(2), or -1 after SECONDS.
static int run(const char *log, char *const arguments[]) {
    pid_t pid = fork();
    if (!pid) {
        int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        dup2(fd, 1), dup2(fd, 2);
        execve(arguments[0], arguments, (char *[]){"PATH=/", NULL});
        dprintf(2, "%s: %s\n", arguments[0], strerror(errno));
        _exit(127);
    }
    for (int i = 0; i < SECONDS * 10; i++) {
        int status;
        pid_t ended;
        // Orphans come here too.
        while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
            if (ended == pid) return status;
        usleep(100000);
    }
    kill(pid, SIGKILL);
    return -1;
}

static void send_all(int line, const char *bytes, size_t n) {
    while (n > 0) {
        ssize_t sent = write(line, bytes, n);
        if (sent < 0) return say("serial line");
        bytes += sent, n -= sent;
    }
}

static void send_file(int line, const char *path) {
    static char bytes[65536];
    struct stat about;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &about)) return say(path);
    int n = snprintf(bytes, sizeof bytes, "file %s %lld\n", path, (long long)about.st_size);
    send_all(line, bytes, n);
    for (off_t left = about.st_size; left > 0;) {
        ssize_t got = read(fd, bytes, sizeof bytes);
        if (got <= 0) return say(path);
        send_all(line, bytes, got < left ? got : left);
        left -= got;
    }
    close(fd);
}

int main(void) {
    mount_on("proc", "/proc");
    mount_on("sysfs", "/sys");
    mount_on("devtmpfs", "/dev");
    mount_on("cgroup2", "/sys/fs/cgroup");
    mount_on("tracefs", "/sys/kernel/tracing");
    raise_loopback();
    if (sethostname("guest", 5)) say("hostname");
    // Few numbers for processes: they come back within a second.
    set("/proc/sys/kernel/pid_max", "500");

    dprintf(1, "init: recording\n");
    char *record[] = {"/tracehound", "record", "-o", "/out/x.trh", "--", "/workload", "/out", NULL};
    int status = run("/out/log", record);
    dprintf(1, "init: recorder's status %d\n", status);
    int fd = open("/out/status", O_WRONLY | O_CREAT, 0644);
    dprintf(fd, "%d\n", status);
    close(fd);

    int line = open("/dev/ttyS1", O_RDWR | O_NOCTTY);
    struct termios raw;
    if (line < 0 || tcgetattr(line, &raw)) say("ttyS1");
    cfmakeraw(&raw);
    cfsetspeed(&raw, B115200);
    if (tcsetattr(line, TCSANOW, &raw)) say("ttyS1");
    const char *results[] = {"/out/status", "/out/log", "/out/truth", "/out/x.trh"};
    for (size_t i = 0; i < sizeof results / sizeof *results; i++) send_file(line, results[i]);
    send_all(line, "end\n", 4);
    tcdrain(line);
    dprintf(1, "init: done\n");
    reboot(RB_AUTOBOOT);
    return 1;
}
