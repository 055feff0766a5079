//! Traces that the examples of fields are run on; the last event is the one that is asked.

/// A shell of user alice, logged in over ssh, runs a program.
pub const EXEC: &str = r#"machine hostname=web-01
user 0 root home=/root shell=/bin/sh
user 1000 alice home=/home/alice shell=/bin/bash
group 1000 staff
thread 1 comm=systemd exe=/sbin/init exepath=/usr/lib/systemd/systemd cwd=/ uid=0 gid=0 sid=1 pgid=1 vpgid=1 vtid=1 vpid=1 env=["LANG=C"]
thread 90 ptid=1 comm=sshd exe=sshd: exepath=/usr/sbin/sshd args=["alice"] cwd=/ uid=0 gid=0 sid=90 pgid=90 vpgid=90 vtid=90 vpid=90
thread 100 ptid=90 comm=bash exe=-bash exepath=/usr/bin/bash cwd=/home/alice uid=1000 gid=1000 loginuid=1000 sid=100 pgid=100 vpgid=100 vtid=100 vpid=100 tty=34816 caps=0,1,1 env=["HOME=/home/alice","LANG=C.UTF-8"]
fd 100 0 file /dev/pts/0
fd 100 1 file /dev/pts/0
100 clone res=101 exe=-bash args=[] tid=100 pid=100 ptid=90 cwd=/home/alice/ fdlimit=1024 comm=bash cgroups=["cpuset=/user.slice"] uid=1000 gid=1000 vtid=100 vpid=100
+1ms 101 execve res=0 exe=ls args=["-l","/tmp"] tid=101 pid=101 ptid=100 cwd=/home/alice/ fdlimit=1024 comm=ls cgroups=["cpuset=/user.slice","mem_cgroup=/user.slice"] env=["HOME=/home/alice","A= b "] tty=34816 vpgid=101 loginuid=1000 flags=EXE_WRITABLE|EXE_UPPER_LAYER cap_inheritable=0 cap_permitted=3 cap_effective=0x200001 exe_ino=4711 exe_ino_ctime=2024-12-31T23:59:59Z exe_ino_mtime=2024-12-31T23:59:58Z uid=1000 trusted_exepath=/usr/bin/ls pgid=101 gid=1000"#;

/// A process of a container executes a file that changed a second after the container had started.
pub const EXEC_CHANGED: &str = r#"thread 7 pid=7 vpid=1 vtid=1 comm=sh pidns_init_start_ns=1735689599000000000 cgroups=["memory=/docker/3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e"]
2025-01-01T00:00:00.25Z 7 execve res=0 exe=/tmp/x args=[] tid=7 pid=7 ptid=1 cwd=/tmp/ fdlimit=1024 comm=x env=[] tty=0 vpgid=1 loginuid=0 flags=0 cap_inheritable=0 cap_permitted=0 cap_effective=0 exe_ino=4711 exe_ino_ctime=2025-01-01T00:00:00Z exe_ino_mtime=2025-01-01T00:00:00Z uid=0 trusted_exepath=/tmp/x pgid=7 gid=0"#;

/// A file is created below the working directory.
pub const OPEN: &str = r#"user 1000 alice
thread 7 pid=7 comm=sh cwd=/home/alice/src uid=1000
7 openat fd=3 dirfd=AT_FDCWD name=../run.sh flags=O_WRONLY|O_CREAT|O_F_CREATED|FD_UPPER_LAYER mode=0755 dev=0xfd01 ino=99"#;

/// A file that is not there.
pub const OPEN_FAILED: &str = "thread 7 pid=7 comm=sh cwd=/tmp
7 openat fd=ENOENT dirfd=AT_FDCWD name=a/b flags=O_RDONLY mode=0";

/// A client connects.
pub const CONNECT: &str = "interface eth0 10.0.0.5
thread 7 pid=7 comm=curl
7 socket fd=3 domain=AF_INET type=1 proto=6
7 connect res=0 tuple=10.0.0.5:40000->93.184.216.34:443 fd=3 addr=93.184.216.34:443";

/// A request is sent over a connection.
pub const WRITE: &str = "interface eth0 10.0.0.5
thread 7 pid=7 comm=curl
fd 7 3 inet 10.0.0.5:40000->93.184.216.34:443 tcp
7 write res=5 data=hello fd=3 size=5";

/// A server waits on its listening socket and a client.
pub const POLL: &str = "thread 7 pid=7 comm=nginx
fd 7 3 listen 0.0.0.0:80 tcp
fd 7 4 inet 10.0.0.5:40000->10.0.0.1:80 tcp
7 poll res=1 fds=[3:POLLIN,4:POLLIN] timeout=100";

/// A file gets another name.
pub const RENAME: &str = "thread 7 pid=7 comm=mv cwd=/tmp
7 renameat2 res=0 olddirfd=AT_FDCWD oldpath=a newdirfd=AT_FDCWD newpath=/etc/cron.d/a flags=0";

/// A process of a container, of which the runtime has told the recorder.
pub const CONTAINER: &str = r#"container 3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e runtime=docker name=web image=example.com/web:1.0 json="{\"container\":{\"id\":\"3ad7b26ded6d\",\"full_id\":\"3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e\",\"type\":0,\"name\":\"web\",\"image\":\"example.com/web:1.0\",\"imageid\":\"6f7e2741b66b\",\"imagerepo\":\"example.com/web\",\"imagetag\":\"1.0\",\"imagedigest\":\"sha256:12\",\"privileged\":true,\"ip\":\"172.17.0.2\",\"host_pid\":false,\"host_network\":true,\"host_ipc\":false,\"pod_sandbox_id\":\"0123456789abcdef\",\"labels\":{\"app\":\"shop\",\"io.kubernetes.pod.name\":\"web-0\",\"io.kubernetes.pod.namespace\":\"prod\",\"io.kubernetes.pod.uid\":\"u-1\"},\"Mounts\":[{\"Source\":\"/var/run/docker.sock\",\"Destination\":\"/docker.sock\",\"Mode\":\"ro\",\"RW\":false,\"Propagation\":\"rprivate\"}]}}"
thread 7 pid=7 vpid=1 vtid=1 comm=sh pidns_init_start_ns=1735689599000000000 cgroups=["memory=/docker/3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e"]
7 getcwd res=0 path=/"#;

/// The simplest event.
pub const GETCWD: &str = "machine hostname=web-01
thread 7 pid=7 comm=cat
7 getcwd res=0 path=/";

/// A child of a child.
pub const GRANDCHILD: &str = "thread 100 pid=100 comm=bash
100 clone res=101 tid=100 pid=100
+1ms 101 clone res=102 tid=101 pid=101
+2ms 102 getcwd res=0 path=/";

/// No memory is left.
pub const MMAP_FAILED: &str = "thread 7 pid=7 comm=cat
7 mmap res=ENOMEM";

/// A user is added.
pub const USER_ADDED: &str = "thread 7 pid=7 comm=useradd
7 useradded uid=1001 gid=1001 name=mallory";
