//! The start state of a host made of files, and of this machine.

mod support;

use support::Host;
use tracehound_capture::containers::Containers;
use tracehound_capture::files::Root;
use tracehound_capture::host::Clock;
use tracehound_capture::snapshot::{Options, take};
use tracehound_formats::TraceWriter;
use tracehound_formats::text::TextWriter;
use tracehound_formats::{Section, Tid};

const ID: &str = "3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e";

/// Lines of the text notation, without what is another each time.
fn lines(section: &Section) -> Vec<String> {
    let mut section = section.clone();
    section.threads.iter_mut().for_each(|thread| thread.seen_ns = None);
    let mut out = Vec::new();
    TextWriter::new(&mut out).section(&section).unwrap();
    let text = String::from_utf8(out).unwrap();
    text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
}

fn process(host: &Host, folder: &str, stat: &str, status: &str) {
    host.file(&format!("{folder}/stat"), stat).file(&format!("{folder}/status"), status);
    host.file(&format!("{folder}/cgroup"), format!("0::/system.slice/docker-{ID}.scope\n"));
}

#[test]
fn a_host_made_of_files() {
    let host = Host::new("snapshot");
    let tail = "4194560 1 0 2 0 0 0 0 0 20 0 1 0";
    process(&host, "/proc/1", &format!("1 (systemd) S 0 1 1 0 -1 {tail} 100 0 0\n"), "Uid:\t0\t0\t0\t0\nNStgid:\t1\n");
    process(&host, "/proc/612", &format!("612 (a) b) S 1 612 600 34816 -1 {tail} 499 0 0\n"), "Uid:\t0\t33\t0\t0\n");
    process(&host, "/proc/612/task/612", &format!("612 (a) b) S 1 612 600 0 -1 {tail} 499 0 0\n"), "");
    process(
        &host,
        "/proc/612/task/613",
        &format!("613 (worker) S 1 612 600 0 -1 {tail} 500 0 0\n"),
        "Uid:\t0\t34\t0\t0\n",
    );
    host.file("/proc/612/cmdline", b"/usr/bin/a\0-x\0\xff\0")
        .file("/proc/612/environ", "TOKEN=secret\0LD_PRELOAD=/x.so\0")
        .file("/proc/612/loginuid", "1000")
        .file("/proc/612/limits", "Max open files            64    64   files\n")
        .file("/proc/612/mountinfo", "22 1 0:20 / /proc rw - proc proc rw\n")
        .file("/proc/612/net/tcp", "head\n 0: 0100007F:0016 0200007F:9C40 01 0:0 0:0 0 0 0 4711 1\n")
        .file("/proc/612/fdinfo/0", "pos:\t0\nflags:\t0100002\n")
        .link("/proc/612/exe", "/usr/bin/a (deleted)")
        .link("/proc/612/cwd", "/srv")
        .link("/proc/612/root", "/")
        .link("/proc/612/ns/mnt", "mnt:[77]")
        .link("/proc/612/ns/net", "net:[78]")
        .link("/proc/612/fd/0", "/dev/no-such-terminal")
        .link("/proc/612/fd/1", "pipe:[99]")
        .link("/proc/612/fd/2", "socket:[4711]")
        .link("/proc/612/fd/3", "socket:[4712]")
        .file("/proc/613/stat", "not a process")
        .file("/proc/self/stat", "not a number")
        .file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nbroken\nwww:x:33:33::/srv:/bin/false\n")
        .file("/etc/group", "root:x:0:\nbroken\n");
    let options = Options { env: vec!["LD_PRELOAD".into()], clock: Clock { epoch_offset_ns: 1_000 } };
    let (section, tally) = take(&host.root(), &options, &|| false);
    let want = [
        "user 0 root gid=0 home=/root shell=/bin/bash",
        "user 33 www gid=33 home=/srv shell=/bin/false",
        "group 0 root",
        "mount /proc source=proc type=proc options=rw ns=77",
        &format!("container {ID} runtime=docker"),
        "thread 1 pid=1 sid=1 pgid=1 vpid=1 comm=systemd uid=0 tty=0 page_faults=2,1 start_ns=1000001000 \
         cgroups=[\"=/system.slice/docker-ID.scope\"]",
        "thread 612 pid=612 ptid=1 sid=600 pgid=612 comm=\"a) b\" exe=/usr/bin/a exepath=\"/usr/bin/a (deleted)\" \
         args=[\"-x\",\"\\xff\"] cwd=/srv root=/ uid=33 loginuid=1000 tty=34816 fd_limit=64 page_faults=2,1 \
         start_ns=4990001000 namespaces=[\"mnt=77\",\"net=78\"] cgroups=[\"=/system.slice/docker-ID.scope\"] \
         env=[\"TOKEN\",\"LD_PRELOAD=/x.so\"]",
        "thread 613 pid=612 ptid=1 sid=600 pgid=612 comm=worker exe=/usr/bin/a exepath=\"/usr/bin/a (deleted)\" \
         args=[\"-x\",\"\\xff\"] cwd=/srv root=/ uid=34 loginuid=1000 tty=0 flags=CLONE_FILES|CLONE_THREAD|CLONE_VM \
         fd_limit=64 page_faults=2,1 start_ns=5000001000 namespaces=[\"mnt=77\",\"net=78\"] \
         cgroups=[\"=/system.slice/docker-ID.scope\"]",
        "fd 612 0 file /dev/no-such-terminal flags=O_LARGEFILE|O_RDWR",
        "fd 612 1 pipe \"pipe:[99]\" ino=99",
        "fd 612 2 inet 127.0.0.1:22->127.0.0.2:40000 tcp ino=4711",
        "fd 612 3 unsupported \"socket:[4712]\" ino=4712",
    ];
    let want: Vec<String> = want.iter().map(|line| line.replace("docker-ID", &format!("docker-{ID}"))).collect();
    assert_eq!(lines(&section), want);
    assert_eq!((tally.n_processes, tally.n_ended, tally.n_left_out), (2, 1, 0));
}

#[test]
fn this_machine() {
    let options = Options { env: Vec::new(), clock: Clock::new() };
    let before = options.clock.now_ns();
    let (section, tally) = take(&Root::default(), &options, &|| false);
    let me = Tid(std::process::id().into());
    let mine = section.threads.iter().find(|thread| thread.tid == me).expect("this process runs");
    assert_eq!(mine.comm.len().min(15), mine.comm.len());
    assert!(mine.exepath.ends_with(b"snapshot") || !mine.exepath.is_empty(), "{:?}", mine.exepath);
    assert!(mine.start_ns.is_some_and(|start| start < before && before - start < 3_600_000_000_000));
    assert!(mine.seen_ns.is_some_and(|seen| seen > before));
    assert!(section.fds.iter().any(|fd| fd.tid == me));
    assert!(section.threads.iter().any(|thread| thread.pid == me && thread.tid != me), "the test's own thread");
    assert!(tally.n_processes as usize <= section.threads.len());
}

/// A container by the path of its cgroup: runtime, name, image, and its labels as replay asks for them.
#[track_caller]
fn check(host: &Host, path: &str, want: (&str, &str, &str), pod: Option<(&str, &str)>) {
    let mut containers = Containers::new(host.root());
    let found = containers.of_path(path.as_bytes()).expect("a container");
    let text = |text: &Option<bstr::BString>| text.as_ref().map(ToString::to_string).unwrap_or_default();
    assert_eq!((&*text(&found.runtime), &*text(&found.name), &*text(&found.image)), want, "{path}");
    let json: serde_json::Value =
        found.json.map_or_else(Default::default, |json| serde_json::from_slice(&json).unwrap());
    let labels = &json["container"]["labels"];
    let found_pod = ["io.kubernetes.pod.name", "io.kubernetes.pod.namespace"].map(|key| labels[key].as_str());
    assert_eq!(found_pod, [pod.map(|pod| pod.0), pod.map(|pod| pod.1)], "{json}");
    assert_eq!(containers.of_path(path.as_bytes()), None, "each container once");
}

#[test]
fn containers_of_every_runtime() {
    let host = Host::new("containers");
    let docker = "/system.slice/docker-ID.scope".replace("ID", ID);
    check(&host, &docker, ("docker", "", ""), None);
    host.file(
        &format!("/data/containers/{ID}/config.v2.json"),
        r#"{"Name":"/web","Image":"sha256:00ff","Created":"2026-01-01T00:00:00Z","Config":{"Image":"nginx:1.25",
            "Labels":{"team":"x"},"Env":["TOKEN=secret"]},
            "MountPoints":{"/d":{"Source":"/srv","Destination":"/d","RW":true,"Propagation":"rprivate"}},
            "NetworkSettings":{"Networks":{"bridge":{"IPAddress":"172.17.0.2"}}}}"#,
    );
    host.file("/etc/docker/daemon.json", r#"{"data-root":"/data"}"#);
    host.file(
        &format!("/data/containers/{ID}/hostconfig.json"),
        r#"{"Privileged":true,"PidMode":"host","NetworkMode":"bridge"}"#,
    );
    check(&host, &docker, ("docker", "web", "nginx:1.25"), None);
    let json = Containers::new(host.root()).of_path(docker.as_bytes()).unwrap().json.unwrap().to_string();
    for part in [
        "\"id\":\"3ad7b26ded6d\"",
        "\"imagerepo\":\"nginx\"",
        "\"imagetag\":\"1.25\"",
        "\"imageid\":\"00ff\"",
        "\"privileged\":true",
        "\"host_pid\":true",
        "\"host_network\":false",
        "\"ip\":\"172.17.0.2\"",
        "\"team\":\"x\"",
        "\"Source\":\"/srv\"",
    ] {
        assert!(json.contains(part), "{part} in {json}");
    }
    assert!(!json.contains("secret"), "{json}");

    let host = Host::new("containers-containerd");
    let task = "/run/containerd/io.containerd.runtime.v2.task";
    host.file(
        &format!("{task}/k8s.io/{ID}/config.json"),
        r#"{"annotations":{"io.kubernetes.cri.container-type":"container","io.kubernetes.cri.sandbox-id":"beef",
            "io.kubernetes.cri.sandbox-name":"web-0","io.kubernetes.cri.sandbox-namespace":"shop",
            "io.kubernetes.cri.sandbox-uid":"u","io.kubernetes.cri.container-name":"nginx",
            "io.kubernetes.cri.image-name":"docker.io/library/nginx:1.25"},
            "linux":{"namespaces":[{"type":"pid"},{"type":"ipc"}]}}"#,
    );
    let path =
        format!("/kubepods.slice/kubepods-pod0b8f3c1a_8a5f_4a42_9d36_5a0c2f3d9e11.slice/cri-containerd-{ID}.scope");
    let image = "docker.io/library/nginx:1.25";
    check(&host, &path, ("containerd", "nginx", image), Some(("web-0", "shop")));
    host.file(&format!("{task}/default/redis/config.json"), r#"{"annotations":{"nerdctl/name":"cache"}}"#);
    check(&host, "/default/redis", ("containerd", "cache", ""), None);
    // A random number is a container if containerd has one of that name.
    let number = "da774e16f0131b1384d78df9d92b236f";
    host.file(&format!("{task}/default/{number}/config.json"), r#"{"annotations":{"nerdctl/name":"job"}}"#);
    check(&host, &format!("/default/{number}"), ("containerd", "job", ""), None);
    assert_eq!(Containers::new(host.root()).of_path(format!("/jobs/{}0", &number[..31]).as_bytes()), None);

    // What the kubelet calls its log tells what the runtime's file does not.
    let host = Host::new("containers-kubelet");
    host.file(&format!("{task}/k8s.io/{ID}/config.json"), "{}");
    host.link(&format!("/var/log/containers/web-0_shop_nginx-{ID}.log"), "/elsewhere");
    check(&host, &path, ("containerd", "nginx", ""), Some(("web-0", "shop")));

    let host = Host::new("containers-crio");
    host.file(
        &format!("/run/containers/storage/overlay-containers/{ID}/userdata/config.json"),
        r#"{"annotations":{"io.kubernetes.cri-o.ContainerType":"container","io.kubernetes.cri-o.ImageName":"quay.io/x:1",
            "io.kubernetes.cri-o.KubeName":"web-0","io.kubernetes.cri-o.Namespace":"shop",
            "io.kubernetes.cri-o.Labels":"{\"io.kubernetes.container.name\":\"app\"}"}}"#,
    );
    check(&host, &path.replace("cri-containerd", "crio"), ("cri-o", "app", "quay.io/x:1"), Some(("web-0", "shop")));

    let host = Host::new("containers-podman");
    host.file("/etc/passwd", "ann:x:1000:1000::/home/ann:/bin/sh\n");
    host.file(
        "/home/ann/.local/share/containers/storage/overlay-containers/containers.json",
        format!(
            r#"[{{"id":"x"}},{{"id":"{ID}","names":["box"],"image":"00ff","metadata":"{{\"image-name\":\"alpine:3\"}}"}}]"#
        ),
    );
    let path = format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container");
    check(&host, &path, ("podman", "box", "alpine:3"), None);

    // Nothing is read for an id that is no name, and broken or huge files are as if they were not there.
    let host = Host::new("containers-hostile");
    host.file("/run/containerd/io.containerd.runtime.v2.task/config.json", r#"{"annotations":{"nerdctl/name":"no"}}"#);
    check(&host, "/default/..", ("containerd", "", ""), None);
    host.file(&format!("/var/lib/docker/containers/{ID}/config.v2.json"), "{".repeat(2 << 20));
    check(&host, &docker, ("docker", "", ""), None);
}
