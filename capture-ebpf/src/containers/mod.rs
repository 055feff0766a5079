//! What a container is called: its description, copied from the files of its runtime when its id is first seen.
//!
//! No runtime is asked (a socket of a runtime is a way to be noticed, and to wait): the files that runtimes keep of
//! their containers are read, each at most once an id and up to a size. Of them only what identifies a container is
//! kept: no environment, no arguments.
//!
//! The description has the shape of Falco's `container` event, which replay reads from captures too.

mod docker;
mod oci;
mod storage;

use bstr::{BStr, BString, ByteSlice};
use hashbrown::HashSet;
use serde_json::{Map, Value, json};
use tracehound_formats::container::{Found, of_path};
use tracehound_formats::section::ContainerEntry;

use crate::files::Root;

/// Most bytes of a runtime's file.
const MAX_FILE: usize = 1 << 20;
/// Most containers that are described in one recording.
const MAX_CONTAINERS: usize = 50_000;
/// Most bytes of the labels of one container.
const MAX_LABELS: usize = 64 << 10;
/// Most names of `/var/log/containers`.
const MAX_LOGS: usize = 50_000;

/// Numbers of runtimes in the description.
const RUNTIMES: [(&str, u64); 8] = [
    ("docker", 0),
    ("lxc", 1),
    ("libvirt-lxc", 2),
    ("cri", 6),
    ("containerd", 7),
    ("cri-o", 8),
    ("bpm", 9),
    ("podman", 11),
];

/// Finds descriptions of containers, once for each.
#[derive(Debug)]
pub struct Containers {
    root: Root,
    seen: HashSet<BString>,
}

/// What a runtime's file says of a container. Everything may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) name: Option<String>,
    /// Image as it was asked for: `redis:7`.
    pub(crate) image: Option<String>,
    /// Id of the image, `sha256:` and digits or only these.
    pub(crate) image_id: Option<String>,
    pub(crate) labels: Vec<(String, String)>,
    /// Id of the sandbox, in Kubernetes.
    pub(crate) sandbox: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) is_privileged: Option<bool>,
    /// True if it shares the host's namespace of pids, network, IPC.
    pub(crate) host_namespaces: [Option<bool>; 3],
    pub(crate) mounts: Vec<Mount>,
    /// RFC 3339, as the runtime wrote it.
    pub(crate) created: Option<String>,
    /// Runtime, where the file tells more than the cgroup.
    pub(crate) runtime: Option<&'static str>,
}

/// Something mounted into a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) mode: String,
    pub(crate) is_writable: bool,
    pub(crate) propagation: String,
}

impl Containers {
    /// For the host below a root.
    pub fn new(root: Root) -> Self {
        Containers { root, seen: HashSet::new() }
    }

    /// The container that the cgroups of a thread (`controllers=path`, NUL after each) name, if it was not seen yet.
    pub fn of_cgroups(&mut self, cgroups: &[u8]) -> Option<ContainerEntry> {
        let mut paths = cgroups.split(|&b| b == 0).filter_map(|item| Some(&item[item.find_byte(b'=')? + 1..]));
        let path = paths.find(|path| of_path(path).is_some())?;
        self.of_path(path)
    }

    /// The container that a cgroup's path names, if it was not seen yet. What its runtime says of it is in it.
    pub fn of_path(&mut self, path: &[u8]) -> Option<ContainerEntry> {
        let found = of_path(path)?;
        if self.seen.len() >= MAX_CONTAINERS || self.seen.contains(BStr::new(found.full_id)) {
            return None;
        }
        self.seen.insert(found.full_id.into());
        let id = std::str::from_utf8(found.full_id).ok().filter(|id| is_safe(id));
        let description = id.and_then(|id| self.describe(id, &found, path));
        if description.is_none() && found.is_doubtful() {
            return None;
        }
        Some(entry(&found, path, &description.unwrap_or_default()))
    }

    fn describe(&self, id: &str, found: &Found<'_>, path: &[u8]) -> Option<Description> {
        let root = &self.root;
        // The runtime by the path is a guess where several use the same layout: who has a file of the id decides.
        let mut description = docker::describe(root, id)
            .or_else(|| storage::describe(root, id, path))
            .or_else(|| oci::containerd(root, id))?;
        if found.runtime == "docker" && description.runtime.is_none() {
            description.runtime = Some("containerd");
        }
        if description.name.is_none() && path.find(b"kubepods").is_some() {
            self.kubelet(id, &mut description);
        }
        Some(description)
    }

    /// What the kubelet calls its log: `POD_NAMESPACE_CONTAINER-ID.log`.
    fn kubelet(&self, id: &str, description: &mut Description) {
        let suffix = format!("-{id}.log");
        let names = self.root.names("/var/log/containers", MAX_LOGS);
        let Some(name) = names.iter().find_map(|name| name.strip_suffix(&suffix)) else { return };
        let mut parts = name.splitn(3, '_');
        if let (Some(pod), Some(namespace), Some(container)) = (parts.next(), parts.next(), parts.next()) {
            description.name = Some(container.to_owned());
            description.label("io.kubernetes.pod.name", pod);
            description.label("io.kubernetes.pod.namespace", namespace);
            description.label("io.kubernetes.container.name", container);
        }
    }
}

impl Description {
    /// Adds a label unless it is there.
    pub(crate) fn label(&mut self, key: &str, value: &str) {
        if !self.labels.iter().any(|(known, _)| known == key) {
            self.labels.push((key.to_owned(), value.to_owned()));
        }
    }
}

/// An id that names nothing but an entry of a folder.
fn is_safe(id: &str) -> bool {
    id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

fn entry(found: &Found<'_>, path: &[u8], description: &Description) -> ContainerEntry {
    let runtime = description.runtime.unwrap_or(found.runtime);
    let mut entry = ContainerEntry {
        id: found.full_id.into(),
        runtime: Some(runtime.into()),
        name: description.name.as_deref().map(Into::into),
        image: description.image.as_deref().map(Into::into),
        json: None,
    };
    let pod_uid = pod_uid(path);
    if *description == Description::default() && pod_uid.is_none() {
        return entry;
    }
    let mut out = Map::new();
    let mut put = |key: &str, value: Option<Value>| value.map(|value| out.insert(key.to_owned(), value));
    let text = |text: &Option<String>| text.as_deref().map(Value::from);
    let (full_id, id) = (found.full_id.to_str_lossy(), found.id.to_str_lossy());
    put("id", Some(id.into()));
    put("full_id", Some(full_id.into()));
    put("type", RUNTIMES.iter().find(|(name, _)| *name == runtime).map(|&(_, number)| number.into()));
    put("name", text(&description.name));
    put("image", text(&description.image));
    put("imageid", description.image_id.as_deref().map(|id| id.trim_start_matches("sha256:").into()));
    if let Some(image) = &description.image {
        let (repository, tag, digest) = reference(image);
        put("imagerepo", Some(repository.into()));
        put("imagetag", tag.map(Value::from));
        put("imagedigest", digest.map(Value::from));
    }
    put("created", text(&description.created));
    put("ip", text(&description.ip));
    put("privileged", description.is_privileged.map(Value::from));
    for (key, value) in ["host_pid", "host_network", "host_ipc"].into_iter().zip(description.host_namespaces) {
        put(key, value.map(Value::from));
    }
    put("pod_sandbox_id", text(&description.sandbox));
    let mut labels = Map::new();
    let mut n_bytes = 0;
    for (key, value) in &description.labels {
        n_bytes += key.len() + value.len();
        if n_bytes <= MAX_LABELS {
            labels.insert(key.clone(), value.as_str().into());
        }
    }
    if let Some(uid) = pod_uid {
        labels.entry("io.kubernetes.pod.uid").or_insert_with(|| uid.into());
    }
    put("labels", Some(Value::from(labels)));
    let mounts = description.mounts.iter().map(|mount| {
        let Mount { source, target, mode, is_writable, propagation } = mount;
        json!({"Source": source, "Destination": target, "Mode": mode, "RW": is_writable, "Propagation": propagation})
    });
    put("Mounts", Some(mounts.collect::<Vec<_>>().into()));
    entry.json = Some(json!({ "container": out }).to_string().into());
    entry
}

/// Repository, tag and digest of an image's reference: `registry:5000/team/app:1.2@sha256:...`.
fn reference(image: &str) -> (&str, Option<&str>, Option<&str>) {
    let (rest, digest) = match image.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (image, None),
    };
    match rest.rsplit_once(':') {
        // A colon before a slash belongs to the registry's port.
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag), digest),
        _ => (rest, None, digest),
    }
}

/// The pod's uid in `.../kubepods-burstable-pod1234_5678.slice/...` or `.../pod1234-5678/...`, with dashes.
fn pod_uid(path: &[u8]) -> Option<String> {
    path.find(b"kubepods")?;
    let uid = path.split(|&b| b == b'/' || b == b':').rev().find_map(|part| {
        let part = part.strip_suffix(b".slice").unwrap_or(part);
        let uid = &part[part.rfind(b"pod")? + 3..];
        let is_uid = uid.len() >= 32 && uid.iter().all(|b| b.is_ascii_hexdigit() || b"-_".contains(b));
        is_uid.then_some(uid)
    })?;
    Some(uid.to_str().ok()?.replace('_', "-"))
}

/// A text of a JSON object that is there and not empty.
pub(crate) fn text(object: &Value, key: &str) -> Option<String> {
    object.get(key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A JSON file of at most [`MAX_FILE`] bytes.
pub(crate) fn read_json(root: &Root, path: &str) -> Option<Value> {
    serde_json::from_slice(&root.read_whole(path, MAX_FILE)?).ok()
}

/// Pairs of texts of a JSON object.
pub(crate) fn pairs(object: &Value) -> impl Iterator<Item = (&str, &str)> {
    object.as_object().into_iter().flatten().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_names() {
        for (image, want) in [
            ("redis", ("redis", None, None)),
            ("redis:7", ("redis", Some("7"), None)),
            ("reg:5000/a/b", ("reg:5000/a/b", None, None)),
            ("reg:5000/a/b:1@sha256:00", ("reg:5000/a/b", Some("1"), Some("sha256:00"))),
            ("a@sha256:00", ("a", None, Some("sha256:00"))),
        ] {
            assert_eq!(reference(image), want, "{image}");
        }
        let uid = "0b8f3c1a-8a5f-4a42-9d36-5a0c2f3d9e11";
        let id = "3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e";
        for (path, want) in [
            (format!("/kubepods.slice/kubepods-pod{}.slice/crio-{id}.scope", uid.replace('-', "_")), Some(uid)),
            (format!("/kubepods/burstable/pod{uid}/{id}"), Some(uid)),
            (format!("/kubepods/burstable/pod/{id}"), None),
            (format!("/docker/{id}"), None),
        ] {
            assert_eq!(pod_uid(path.as_bytes()).as_deref(), want, "{path}");
        }
        for (id, want) in
            [("web_1.a-b", true), ("", false), ("..", false), (".x", false), ("a/b", false), ("a\0", false)]
        {
            assert_eq!(is_safe(id), want, "{id}");
        }
    }
}
