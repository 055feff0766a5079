// Starts processes in every way Linux has, and writes down what it did: the truth that a recording is compared with.
//
// usage: workload DIR        writes DIR/truth; needs root for the pid namespace only, which is left out without it
//
// Run as `step` (a copy of itself that it puts into DIR) it is the program that is executed.
//
// A line of the truth is words with tabs between:
//
//     clock    EPOCH_NS                              time since the epoch at which the machine started
//     process  CASE PID START PARENT PSTART REAPER RSTART STATUS
//     thread   CASE PID START TID
//     exec     CASE PID START RESULT FILE IMAGE ARG...
//     open     CASE PID START RESULT PATH
//     connect  CASE PID START RESULT ADDRESS
//
// START is field 22 of /proc/PID/stat: hundredths of a second since the machine started. Pid and start together name a
// process, also when its number is used again. PARENT is who it had at birth, REAPER who it had at its end. STATUS is
// that of wait(2). RESULT is 0 (or a descriptor) or -errno. FILE is what was asked for, IMAGE what runs then (empty: as
// before), ARG are the arguments from argv[0] on.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STEP_CODE = 7, WORKERS = 4, BATCHES = 100, BATCH = 5 };

struct process {
    pid_t pid;
    unsigned long long start;
};

static int truth = -1;
static char step[4000], script[4000];
static char *no_environment[] = {NULL};

static void fail(const char *what) {
    dprintf(2, "workload: %s: %s\n", what, strerror(errno));
    _exit(100);
}

// One write(2) a line: on a descriptor opened with O_APPEND, lines of several processes do not mix.
static void say(const char *format, ...) {
    char line[16384];
    va_list values;
    va_start(values, format);
    int n = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    if (n < 0 || n >= (int)sizeof line || write(truth, line, n) != n) fail("truth");
}

// Start of a process from /proc, also of one that has ended and was not reaped.
static struct process look(pid_t pid) {
    char path[64], text[2048];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (n <= 0) fail(path);
    close(fd);
    text[n] = 0;
    // The name in brackets may hold blanks and brackets: fields are counted from the last one.
    char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
    if (!at) fail(path);
    return (struct process){pid, strtoull(at, NULL, 10)};
}

static struct process self(void) { return look(getpid()); }

// Waits for a child, says what it was, reaps it.
static struct process end(const char *name, pid_t pid, struct process parent) {
    siginfo_t info;
    int status;
    if (pid < 0 || waitid(P_PID, pid, &info, WEXITED | WNOWAIT) < 0) fail(name);
    struct process child = look(pid), reaper = self();
    if (waitpid(pid, &status, 0) != pid) fail(name);
    say("process\t%s\t%d\t%llu\t%d\t%llu\t%d\t%llu\t%d\n", name, child.pid, child.start, parent.pid, parent.start,
        reaper.pid, reaper.start, status);
    return child;
}

static struct process end_own(const char *name, pid_t pid) { return end(name, pid, self()); }

static void say_exec(const char *name, struct process who, int result, const char *file, const char *image,
                     char *const arguments[]) {
    char line[12000];
    size_t n = 0;
    line[0] = 0;
    for (; *arguments; arguments++) n += snprintf(line + n, sizeof line - n, "\t%s", *arguments);
    say("exec\t%s\t%d\t%llu\t%d\t%s\t%s%s\n", name, who.pid, who.start, result, file, image, line);
}

static pid_t clone3_plain(uint64_t flags) {
    // A sibling ends with the signal its parent ends with; clone3 refuses another one.
    struct clone_args how = {.flags = flags, .exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD};
    return syscall(SYS_clone3, &how, sizeof how);
}

static void births(void) {
    pid_t pid = fork();
    if (!pid) _exit(3);
    end_own("fork", pid);

    pid = clone3_plain(0);
    if (!pid) _exit(4);
    end_own("clone3", pid);

    char *vforked[] = {step, "vfork", NULL};
    pid = vfork();
    if (!pid) {
        execve(step, vforked, no_environment);
        _exit(101);
    }
    say_exec("vfork", end_own("vfork", pid), 0, step, step, vforked);

    char *spawned[] = {step, "posix_spawn", "two words", "", NULL};
    if (posix_spawn(&pid, step, NULL, NULL, spawned, no_environment)) fail("posix_spawn");
    say_exec("posix_spawn", end_own("posix_spawn", pid), 0, step, step, spawned);

    // A child that the caller's parent gets, which is this process.
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC)) fail("pipe2");
    pid = fork();
    if (!pid) {
        pid_t sibling = clone3_plain(CLONE_PARENT);
        if (!sibling) _exit(5);
        _exit(write(pipes[1], &sibling, sizeof sibling) == sizeof sibling ? 6 : 102);
    }
    pid_t sibling = -1;
    if (read(pipes[0], &sibling, sizeof sibling) != sizeof sibling) fail("clone_parent");
    end_own("clone_parent_caller", pid);
    end_own("clone_parent", sibling);

    // Processes of another pid namespace, one of them its init.
    pid = fork();
    if (!pid) {
        if (unshare(CLONE_NEWPID)) {
            dprintf(2, "workload: no pid namespace: %s\n", strerror(errno));
            _exit(8);
        }
        pid = fork();
        if (!pid) _exit(9);
        end_own("pid_namespace_init", pid);
        _exit(8);
    }
    end_own("pid_namespace", pid);

    // An orphan: its parent ends, the subreaper (this process) gets it, then it executes a program.
    int go[2];
    if (pipe2(go, O_CLOEXEC)) fail("pipe2");
    char *orphaned[] = {step, "orphan", NULL};
    pid = fork();
    if (!pid) {
        pid_t orphan = fork();
        if (!orphan) {
            char byte;
            if (read(go[0], &byte, 1) != 1) _exit(103);
            execve(step, orphaned, no_environment);
            _exit(104);
        }
        _exit(write(pipes[1], &orphan, sizeof orphan) == sizeof orphan ? 10 : 105);
    }
    pid_t orphan = -1;
    if (read(pipes[0], &orphan, sizeof orphan) != sizeof orphan) fail("orphan");
    struct process middle = end_own("orphan_parent", pid);
    if (write(go[1], "", 1) != 1) fail("orphan");
    say_exec("orphan", end("orphan", orphan, middle), 0, step, step, orphaned);
    close(go[0]), close(go[1]), close(pipes[0]), close(pipes[1]);
}

static void execs(void) {
    char *from_script[] = {script, "first", "second argument", NULL};
    pid_t pid = fork();
    if (!pid) {
        execve(script, from_script, no_environment);
        _exit(101);
    }
    // The kernel puts the interpreter and its argument before the name of the script.
    char *interpreted[] = {step, "interpreter", script, "first", "second argument", NULL};
    say_exec("script", end_own("script", pid), 0, script, step, interpreted);

    char *in_memory[] = {"in-memory", "memfd", "of the workload", NULL};
    pid = fork();
    if (!pid) {
        int from = open(step, O_RDONLY | O_CLOEXEC), to = memfd_create("workload", MFD_CLOEXEC);
        static char block[65536];
        ssize_t n;
        while ((n = read(from, block, sizeof block)) > 0)
            if (write(to, block, n) != n) _exit(102);
        fexecve(to, in_memory, no_environment);
        _exit(101);
    }
    say_exec("memfd", end_own("memfd", pid), 0, "", "/memfd:workload", in_memory);

    // Three programs one after the other in one process, after one that is not there.
    char *chains[] = {"2", "1", "0"};
    char *absent[] = {"absent", "program", NULL};
    pid = fork();
    if (!pid) {
        execve("/nonexistent/program", absent, no_environment);
        execve(step, (char *[]){step, "chain", chains[0], NULL}, no_environment);
        _exit(101);
    }
    struct process chain = end_own("chain", pid);
    say_exec("absent", chain, -ENOENT, "/nonexistent/program", "", absent);
    for (int i = 0; i < 3; i++) say_exec("chain", chain, 0, step, step, (char *[]){step, "chain", chains[i], NULL});

    static char many[5001];
    memset(many, 'a', sizeof many - 1);
    char *longest[] = {step, "long", many, "after it", NULL};
    pid = fork();
    if (!pid) {
        execve(step, longest, no_environment);
        _exit(101);
    }
    say_exec("long", end_own("long", pid), 0, step, step, longest);
}

static void *execute(void *arguments) {
    execve(step, arguments, no_environment);
    _exit(101);
}

static void *end_group(void *code) {
    syscall(SYS_exit_group, (int)(intptr_t)code);
    return NULL;
}

static void *outlive(void *code) {
    usleep(20000);
    _exit((int)(intptr_t)code);
}

static pthread_barrier_t meeting;

static void *meet(void *unused) {
    struct process process = self();
    say("thread\tthreads\t%d\t%llu\t%d\n", process.pid, process.start, gettid());
    // All are alive at once, so that their numbers differ.
    pthread_barrier_wait(&meeting);
    return unused;
}

static void start_thread(pthread_t *thread, void *(*body)(void *), void *argument) {
    if (pthread_create(thread, NULL, body, argument)) _exit(106);
}

static void threads(void) {
    pid_t pid = fork();
    if (!pid) {
        pthread_t some[4];
        pthread_barrier_init(&meeting, NULL, 5);
        for (int i = 0; i < 4; i++) start_thread(&some[i], meet, NULL);
        pthread_barrier_wait(&meeting);
        for (int i = 0; i < 4; i++) pthread_join(some[i], NULL);
        _exit(11);
    }
    end_own("threads", pid);

    // The thread takes the number of the leader, which ends without having exited.
    char *by_thread[] = {step, "thread_exec", NULL};
    pid = fork();
    if (!pid) {
        pthread_t other;
        start_thread(&other, execute, by_thread);
        for (;;) pause();
    }
    say_exec("thread_exec", end_own("thread_exec", pid), 0, step, step, by_thread);

    pid = fork();
    if (!pid) {
        pthread_t other;
        start_thread(&other, end_group, (void *)12);
        for (;;) pause();
    }
    end_own("thread_ends_group", pid);

    pid = fork();
    if (!pid) {
        pthread_t other;
        start_thread(&other, outlive, (void *)13);
        pthread_exit(NULL);
    }
    end_own("leader_ends_first", pid);
}

static void signals(void) {
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();
        if (!pid) {
            kill(getpid(), i ? SIGKILL : SIGTERM);
            for (;;) pause();
        }
        end_own(i ? "sigkill" : "sigterm", pid);
    }
}

// Many short lives on all processors at once; where numbers are few, they are used again and again.
static void storm(void) {
    pid_t workers[WORKERS];
    for (int worker = 0; worker < WORKERS; worker++) {
        workers[worker] = fork();
        if (workers[worker]) continue;
        for (int batch = 0; batch < BATCHES; batch++) {
            pid_t some[BATCH];
            for (int i = 0; i < BATCH; i++) {
                some[i] = i % 2 ? fork() : clone3_plain(0);
                if (!some[i]) _exit(20 + worker);
            }
            for (int i = 0; i < BATCH; i++) end_own("storm", some[i]);
        }
        _exit(20 + worker);
    }
    for (int worker = 0; worker < WORKERS; worker++) end_own("storm_worker", workers[worker]);
}

static void say_open(struct process who, int result, const char *path) {
    say("open\topen\t%d\t%llu\t%d\t%s\n", who.pid, who.start, result < 0 ? -errno : result, path);
    if (result >= 0) close(result);
}

static void opens(const char *dir) {
    struct process who = self();
    char path[4100];
    snprintf(path, sizeof path, "%s/a file", dir);
    say_open(who, open(path, O_RDWR | O_CREAT | O_TRUNC, 0640), path);
    say_open(who, openat(AT_FDCWD, path, O_RDONLY), path);
    say_open(who, syscall(SYS_open, path, O_WRONLY | O_APPEND), path);
    say_open(who, creat(path, 0600), path);
    say_open(who, open("/nonexistent/file", O_RDONLY), "/nonexistent/file");
}

static int say_connect(struct process who, int fd, const void *address, socklen_t size, const char *text) {
    int result = connect(fd, address, size) ? -errno : 0;
    say("connect\tconnect\t%d\t%llu\t%d\t%s\n", who.pid, who.start, result, text);
    close(fd);
    return result;
}

static void connects(const char *dir) {
    struct process who = self();
    char text[4200];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof to;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (void *)&to, sizeof to) || listen(listener, 1) || getsockname(listener, (void *)&to, &size))
        fail("listen");
    snprintf(text, sizeof text, "127.0.0.1:%d", ntohs(to.sin_port));
    say_connect(who, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), &to, sizeof to, text);
    close(listener);
    say_connect(who, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), &to, sizeof to, text);

    to.sin_port = htons(53);
    say_connect(who, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), &to, sizeof to, "127.0.0.1:53");

    struct sockaddr_un local = {.sun_family = AF_UNIX};
    snprintf(local.sun_path, sizeof local.sun_path, "%.80s/socket", dir);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (void *)&local, sizeof local) || listen(listener, 1)) fail("listen");
    say_connect(who, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), &local, sizeof local, local.sun_path);
    close(listener);
}

static void copy_self(void) {
    int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = open(step, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    struct stat size;
    if (from < 0 || to < 0 || fstat(from, &size)) fail(step);
    void *bytes = mmap(NULL, size.st_size, PROT_READ, MAP_PRIVATE, from, 0);
    if (bytes == MAP_FAILED || write(to, bytes, size.st_size) != size.st_size) fail(step);
    close(from), close(to);
    // Another process could still hold the file open for writing only if it was forked meanwhile: none was.
    int fd = open(script, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    if (fd < 0 || dprintf(fd, "#!%s interpreter\n", step) < 0) fail(script);
    close(fd);
}

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000ull + now.tv_nsec;
}

int main(int n, char **arguments) {
    if (n >= 3 && !strcmp(arguments[1], "chain") && strcmp(arguments[2], "0")) {
        char *next = arguments[2][0] == '2' ? "1" : "0";
        execve(arguments[0], (char *[]){arguments[0], "chain", next, NULL}, no_environment);
        return 101;
    }
    if (n != 2 || arguments[1][0] != '/') return STEP_CODE;
    const char *dir = arguments[1];
    char path[4000];
    snprintf(path, sizeof path, "%.3900s/truth", dir);
    snprintf(step, sizeof step, "%.3900s/step", dir);
    snprintf(script, sizeof script, "%.3900s/script", dir);
    truth = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
    if (truth < 0) fail(path);
    copy_self();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1)) fail("subreaper");
    say("clock\t%llu\n", (unsigned long long)(nanoseconds(CLOCK_REALTIME) - nanoseconds(CLOCK_BOOTTIME)));
    births();
    execs();
    threads();
    signals();
    opens(dir);
    connects(dir);
    storm();
    say("done\n");
    return 42;
}
