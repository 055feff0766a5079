//! Which container a cgroup belongs to: asked by the recorder, which looks for the container's description, and by
//! replay. The shape of a path is all that is looked at.
//!
//! The layouts and their order are those of the `container` plugin of Falco (falcosecurity/plugins at commit
//! 0b3cbd8d, `plugins/container/src/matchers`): Podman, Docker, CRI, containerd, LXC, libvirt-lxc, BPM. Its rule for
//! the first three: what stands between the last occurrence of a prefix and the last occurrence of a suffix must be
//! exactly 64 hexadecimal digits, of which the first twelve are the id it reports.
//!
//! *Truth*, where the plugin is mistaken:
//! - It accepts other characters than hexadecimal digits from byte 64 of the path on.
//! - Its containerd matcher takes `/NAME/REST` for a container unless `REST` ends like a systemd unit, and so makes
//!   one of `/system.slice/systemd-udevd.service/udev`. Here `NAME` must not be a systemd unit either.
//! - It asks the containerd matcher before LXC's, which turns the LXC container of `/lxc/web/init` into `web/init`
//!   and that of `/lxc.payload.web/init` into `init`. Here LXC and libvirt-lxc come first.
//! - Its containerd matcher also takes `/NAME/` and 32 hexadecimal digits for a container: here it is one if there is a
//!   description of it ([`Found::is_doubtful`]).
//! - It overlooks cgroups that were made inside a container, `/docker/<id>/init`, where the id is a component of its
//!   own. Here they belong to the container.

/// A container by its cgroup path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// Id as in the path: 64 hexadecimal digits, or what the runtime uses.
    pub full_id: &'a [u8],
    /// Id as reported: the first 12 bytes, or all of it (at most 12 bytes with `ctr`) for runtimes with names.
    pub id: &'a [u8],
    /// Runtime by the shape of the path: `docker`, `podman`, `containerd`, `cri-o`, `cri` (Kubernetes, which one is
    /// not known), `lxc`, `libvirt-lxc`, `bpm`.
    pub runtime: &'static str,
}

impl Found<'_> {
    /// True if the shape of the path alone is no reason to see a container, and more must be known of it: `/NAME/ID` with
    /// 32 hexadecimal digits, a random number of 128 bits. Supervisors of all kinds call what they start so (systemd its
    /// machines and boots); `ctr` only when it is told to.
    pub fn is_doubtful(&self) -> bool {
        self.runtime == "containerd" && self.full_id.len() == 32 && self.full_id.iter().all(u8::is_ascii_hexdigit)
    }
}

/// Bytes of a full container id.
const FULL: usize = 64;
/// Bytes of a reported container id.
const SHORT: usize = 12;

/// Prefix and suffix around an id.
type Layout = (&'static str, &'static str);

const PODMAN: &[Layout] = &[
    ("/libpod-", ".scope"),
    ("/libpod-", ".scope/container"),
    ("/libpod-", ""),
    ("/libpod-payload-", ".scope"),
    ("/libpod-payload-", ".scope/container"),
    ("/libpod-payload-", ""),
];
const DOCKER: &[Layout] = &[("/", ""), ("/docker-", ".scope")];
const CRI: &[(Layout, &str)] = &[
    (("/crio-", ""), "cri-o"),
    (("/cri-containerd-", ".scope"), "containerd"),
    (("/crio-", ".scope"), "cri-o"),
    ((":cri-containerd:", ""), "containerd"),
    (("/docker-", ".scope"), "docker"),
    (("/nerdctl-", ".scope"), "containerd"),
];

/// The container of a thread: the first of its cgroups (`subsystem=path`, NUL after each) that names one.
pub fn of_cgroups(cgroups: &[u8]) -> Option<Found<'_>> {
    // Version 1 has the same path once for each of a dozen subsystems.
    let mut last: &[u8] = &[];
    cgroups.split(|&b| b == 0).find_map(|entry| {
        let eq = entry.iter().position(|&b| b == b'=')?;
        let path = &entry[eq + 1..];
        let is_another = path != std::mem::replace(&mut last, path);
        is_another.then(|| of_path(path)).flatten()
    })
}

/// The container that a cgroup path names.
pub fn of_path(path: &[u8]) -> Option<Found<'_>> {
    let named = |id, runtime| Found { full_id: id, id, runtime };
    if let Some(found) = of_full_id(path) {
        return Some(found);
    }
    if let Some(id) = libvirt_lxc(path) {
        return Some(named(id, "libvirt-lxc"));
    }
    if let Some(id) = lxc(path) {
        return Some(named(id, "lxc"));
    }
    if let Some(id) = containerd(path) {
        return Some(Found { full_id: id, id: &id[..id.len().min(SHORT)], runtime: "containerd" });
    }
    bpm(path).map(|id| named(id, "bpm"))
}

/// A container whose id is 64 hexadecimal digits.
fn of_full_id(path: &[u8]) -> Option<Found<'_>> {
    if path.len() < FULL {
        return None;
    }
    let full = |(prefix, suffix): Layout| full_id(path, prefix, suffix);
    let found = |full_id, runtime| Found { full_id, id: &full_id[..SHORT], runtime };
    if let Some(id) = PODMAN.iter().find_map(|&layout| full(layout)) {
        return Some(found(id, "podman"));
    }
    if let Some(id) = DOCKER.iter().find_map(|&layout| full(layout)) {
        return Some(found(id, bare_runtime(path)));
    }
    if let Some((id, runtime)) = CRI.iter().find_map(|&(layout, runtime)| Some((full(layout)?, runtime))) {
        return Some(found(id, runtime));
    }
    let id = path.split(|&b| b == b'/').rev().find(|part| is_full_id(part))?;
    Some(found(id, bare_runtime(path)))
}

/// What stands between the last `prefix` and the last `suffix`, if it is 64 hexadecimal digits.
fn full_id<'a>(path: &'a [u8], prefix: &str, suffix: &str) -> Option<&'a [u8]> {
    let start = rfind(path, prefix.as_bytes())? + prefix.len();
    let end = if suffix.is_empty() { path.len() } else { rfind(path, suffix.as_bytes())? };
    let id = path.get(start..end)?;
    is_full_id(id).then_some(id)
}

fn is_full_id(id: &[u8]) -> bool {
    id.len() == FULL && id.iter().all(u8::is_ascii_hexdigit)
}

/// Docker's layout without systemd, `/.../<id>`, is also Kubernetes' with the cgroupfs driver, whatever runtime it
/// uses.
fn bare_runtime(path: &[u8]) -> &'static str {
    let is_docker = find(path, b"/docker/").is_some() || find(path, b"/docker-").is_some();
    if !is_docker && find(path, b"kubepods").is_some() { "cri" } else { "docker" }
}

/// `/NAMESPACE/ID` as `ctr` makes it.
fn containerd(path: &[u8]) -> Option<&[u8]> {
    let mut rest = path;
    let namespace = loop {
        let start = rest.iter().position(|&b| b == b'/')? + 1;
        rest = &rest[start..];
        let end = rest.iter().position(|&b| b == b'/')?;
        if is_namespace(&rest[..end]) {
            break &rest[..end];
        }
    };
    let prefix = [b"/", namespace, b"/"].concat();
    let id = &path[rfind(path, &prefix)? + prefix.len()..];
    let is_plausible = !id.is_empty() && id.len() <= FULL && !is_systemd_unit(id) && !is_systemd_unit(namespace);
    is_plausible.then_some(id)
}

/// Letters and digits, with single `.`, `_` or `-` between them.
fn is_namespace(name: &[u8]) -> bool {
    name.split(|b| matches!(b, b'.' | b'_' | b'-'))
        .all(|part| !part.is_empty() && part.iter().all(u8::is_ascii_alphanumeric))
}

/// A unit of systemd, or a name made from one (`user.slice1`): no runtime calls a namespace or container so.
fn is_systemd_unit(name: &[u8]) -> bool {
    [".service", ".slice", ".scope"].iter().any(|kind| find(name, kind.as_bytes()).is_some())
}

fn lxc(path: &[u8]) -> Option<&[u8]> {
    for prefix in ["/lxc/", "/lxc.payload/", "/lxc.payload."] {
        if let Some(at) = find(path, prefix.as_bytes()) {
            let id = &path[at + prefix.len()..];
            let id = &id[..id.iter().position(|&b| b == b'/').unwrap_or(id.len())];
            return (!id.is_empty()).then_some(id);
        }
    }
    None
}

fn libvirt_lxc(path: &[u8]) -> Option<&[u8]> {
    let id = if let Some(rest) = path.strip_suffix(b".libvirt-lxc") {
        &rest[rfind(rest, b"/")? + 1..]
    } else if let Some(at) = find(path, b"-lxc\\x2") {
        // `machine-lxc\x2d<id>.scope`: one more byte completes the escaped `-`.
        let rest = path.get(at + b"-lxc\\x2d".len()..)?;
        rest.strip_suffix(b".scope/libvirt").or(rest.strip_suffix(b".scope"))?
    } else {
        &path[find(path, b"/libvirt/lxc/")? + b"/libvirt/lxc/".len()..]
    };
    (!id.is_empty()).then_some(id)
}

/// Cloud Foundry's BPM.
fn bpm(path: &[u8]) -> Option<&[u8]> {
    let rest = &path[find(path, b"bpm-")? + b"bpm-".len()..];
    let id = &rest[..find(rest, b".scope").unwrap_or(rest.len())];
    let is_id = !id.is_empty() && id.iter().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(b));
    is_id.then_some(id)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    bstr::ByteSlice::find(haystack, needle)
}

fn rfind(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    bstr::ByteSlice::rfind(haystack, needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        const A: &str = "3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e";
        const S: &str = "3ad7b26ded6d";
        let pod = "pod0b8f3c1a_8a5f_4a42_9d36_5a0c2f3d9e11";
        let podu = "pod0b8f3c1a-8a5f-4a42-9d36-5a0c2f3d9e11";
        let cases: &[(String, Option<(&str, &str)>)] = &[
            // Docker.
            (format!("/docker/{A}"), Some((S, "docker"))),
            (format!("/system.slice/docker-{A}.scope"), Some((S, "docker"))),
            (format!("/system.slice/docker-{A}.scope/init"), Some((S, "docker"))),
            (format!("/docker/{A}/docker/{A}"), Some((S, "docker"))),
            (format!("/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{A}.scope"), Some((S, "docker"))),
            (format!("/../docker-{A}.scope"), Some((S, "docker"))),
            (format!("/docker/{A}/init"), Some((S, "docker"))),
            (format!("/docker/{A}/system.slice/cron.service"), Some((S, "docker"))),
            // Too short, or other characters: not Docker, but ctr may name a container so.
            (format!("/docker/{}", &A[..63]), Some((S, "containerd"))),
            (format!("/docker/{}z", &A[..63]), Some((S, "containerd"))),
            (format!("/docker/{A}0"), None),
            (format!("/docker-{A}0.scope"), None),
            (format!("/docker-{}.scope", &A[..63]), None),
            (format!("/docker/{}", A.to_uppercase()), Some(("3AD7B26DED6D", "docker"))),
            ("/system.slice/docker.service".into(), None),
            ("/system.slice/docker.socket".into(), None),
            // Podman, with root and without.
            (format!("/machine.slice/libpod-{A}.scope"), Some((S, "podman"))),
            (format!("/machine.slice/libpod-{A}.scope/container"), Some((S, "podman"))),
            (format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{A}.scope"), Some((S, "podman"))),
            (
                format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{A}.scope/container"),
                Some((S, "podman")),
            ),
            (format!("/libpod_parent/libpod-{A}"), Some((S, "podman"))),
            (format!("/system.slice/web.service/libpod-payload-{A}"), Some((S, "podman"))),
            (format!("/machine.slice/libpod-payload-{A}.scope"), Some((S, "podman"))),
            (format!("/machine.slice/libpod-conmon-{A}.scope"), None),
            // Kubernetes, systemd driver.
            (
                format!(
                    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-{pod}.slice/cri-containerd-{A}.scope"
                ),
                Some((S, "containerd")),
            ),
            (
                format!("/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-{pod}.slice/crio-{A}.scope"),
                Some((S, "cri-o")),
            ),
            (format!("/kubepods.slice/kubepods-{pod}.slice/docker-{A}.scope"), Some((S, "docker"))),
            (format!("/kubepods.slice/kubepods-{pod}.slice/crio-{A}.scope/container"), Some((S, "cri-o"))),
            (
                format!("/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-{pod}.slice/cri-containerd-{A}.scope"),
                Some((S, "containerd")),
            ),
            (format!("/kubepods.slice/kubepods-{pod}.slice/crio-conmon-{A}.scope"), None),
            (format!("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-{pod}.slice"), None),
            // Kubernetes, cgroupfs driver.
            (format!("/kubepods/burstable/{podu}/{A}"), Some((S, "cri"))),
            (format!("/kubepods/{podu}/{A}"), Some((S, "cri"))),
            (format!("/kubepods/{podu}/{A}/nested/deeper"), Some((S, "cri"))),
            (format!("/kubepods/besteffort/{podu}/crio-{A}"), Some((S, "cri-o"))),
            (format!("/kubepods-burstable-{pod}.slice:cri-containerd:{A}"), Some((S, "containerd"))),
            (
                format!("/system.slice/containerd.service/kubepods-burstable-{pod}.slice:cri-containerd:{A}"),
                Some((S, "containerd")),
            ),
            // containerd without Kubernetes.
            (format!("/default/{A}"), Some((S, "docker"))),
            ("/default/redis".into(), Some(("redis", "containerd"))),
            ("/default/my-very-long-container-name".into(), Some(("my-very-long", "containerd"))),
            (format!("/user.slice/nerdctl-{A}.scope"), Some((S, "containerd"))),
            ("/buildkit/abc123".into(), Some(("abc123", "containerd"))),
            // LXC and libvirt.
            ("/lxc/web".into(), Some(("web", "lxc"))),
            ("/lxc/web/init.scope".into(), Some(("web", "lxc"))),
            ("/lxc.payload.web/init".into(), Some(("web", "lxc"))),
            ("/lxc.payload/web".into(), Some(("web", "lxc"))),
            ("/lxc.monitor.web".into(), None),
            ("/machine.slice/machine-lxc\\x2d1234\\x2dvm.scope".into(), Some(("1234\\x2dvm", "libvirt-lxc"))),
            ("/machine.slice/machine-lxc\\x2d1234\\x2dvm.scope/libvirt".into(), Some(("1234\\x2dvm", "libvirt-lxc"))),
            ("/machine/vm.libvirt-lxc".into(), Some(("vm", "libvirt-lxc"))),
            ("/libvirt/lxc/vm".into(), Some(("vm", "libvirt-lxc"))),
            // BPM.
            ("/system.slice/runc-bpm-galera-agent.scope".into(), Some(("galera-agent", "bpm"))),
            // The host.
            ("/".into(), None),
            ("".into(), None),
            ("/init.scope".into(), None),
            ("/system.slice/sshd.service".into(), None),
            ("/system.slice/systemd-udevd.service/udev".into(), None),
            ("/user.slice/user-1000.slice/session-3.scope".into(), None),
            ("/user.slice1/session-00000000000000000000000c".into(), None),
            ("/user.slice/user-1000.slice/user@1000.service/init.scope".into(), None),
            ("/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-terminal-123.scope".into(), None),
            ("/machine.slice/systemd-nspawn@deb.service/payload".into(), None),
        ];
        for (path, want) in cases {
            let got =
                of_path(path.as_bytes()).map(|found| (String::from_utf8_lossy(found.id).into_owned(), found.runtime));
            assert_eq!(got, want.map(|(id, runtime)| (id.to_owned(), runtime)), "{path}");
        }
        assert!(cases.len() >= 40);
    }

    #[test]
    fn random_numbers_are_no_reason_for_a_container() {
        for (path, want) in [
            ("/process_api/da774e16f0131b1384d78df9d92b236f", true),
            ("/default/da774e16f0131b1384d78df9d92b236", false),
            ("/default/da774e16f0131b1384d78df9d92b236g", false),
            ("/default/redis", false),
            ("/lxc/da774e16f0131b1384d78df9d92b236f", false),
        ] {
            assert_eq!(of_path(path.as_bytes()).map(|found| found.is_doubtful()), Some(want), "{path}");
        }
    }

    #[test]
    fn the_first_cgroup_that_names_a_container_counts() {
        const A: &str = "3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e";
        for (cgroups, want) in [
            (format!("cpuset=/\0cpu=/docker/{A}\0memory=/docker/{A}\0"), Some("3ad7b26ded6d")),
            (format!("0=/system.slice/docker-{A}.scope"), Some("3ad7b26ded6d")),
            ("cpu=/\0memory=/user.slice\0".into(), None),
            ("nonsense".into(), None),
            (String::new(), None),
        ] {
            let got = of_cgroups(cgroups.as_bytes()).map(|found| String::from_utf8_lossy(found.id).into_owned());
            assert_eq!(got.as_deref(), want, "{cgroups:?}");
        }
    }
}
