//! What is known of containers besides their id: `container` events, async events of Falco's container plugin, and
//! the containers of a snapshot.
//!
//! All three carry the same JSON, one object `container`. Source: `plugins/container/src/container_info_json.cpp` and
//! `go-worker/pkg/event/event.go` of falcosecurity/plugins at commit 0b3cbd8d.

use serde_json::{Map, Value};
use tracehound_formats::section::ContainerEntry;
use tracehound_formats::{Seq, container as containers};

use crate::history::{Container, ContainerId, ContainerMetadata, ContainerMount, PodMetadata, Sym0, ThreadId};
use crate::replay::{Cx, Replay, index_of};
use crate::strings::Sym;

/// Runtimes by the number in `type`.
const RUNTIMES: [(u64, &str); 11] = [
    (0, "docker"),
    (1, "lxc"),
    (2, "libvirt-lxc"),
    (3, "mesos"),
    (4, "rkt"),
    (6, "cri"),
    (7, "containerd"),
    (8, "cri-o"),
    (9, "bpm"),
    (10, "static"),
    (11, "podman"),
];

/// Bytes of a short id.
const SHORT: usize = 12;

/// A `container` event.
pub(crate) fn container(r: &mut Replay, cx: &mut Cx<'_>) {
    if let Some(json) = cx.bytes(0) {
        describe(r, cx.seq, json);
    }
}

/// An async event: only those called `container` describe one. `container_removed` takes nothing back: what was
/// known stays true of the past.
pub(crate) fn async_event(r: &mut Replay, cx: &mut Cx<'_>) {
    if cx.bytes(1) == Some(b"container")
        && let Some(json) = cx.bytes(2)
    {
        describe(r, cx.seq, json.strip_suffix(b"\0").unwrap_or(json));
    }
}

fn describe(r: &mut Replay, seq: Seq, json: &[u8]) {
    let Ok(Value::Object(root)) = serde_json::from_slice::<Value>(json) else {
        r.notes.n_bad_container_json += 1;
        return;
    };
    let Some(container) = root.get("container").and_then(Value::as_object) else {
        r.notes.n_bad_container_json += 1;
        return;
    };
    let text = |key: &str| container.get(key).and_then(Value::as_str).filter(|s| !s.is_empty());
    let (Some(id), full_id) = (text("id").or(text("full_id")), text("full_id")) else {
        r.notes.n_bad_container_json += 1;
        return;
    };
    let number = container.get("type").and_then(Value::as_u64);
    let runtime = RUNTIMES.iter().find(|&&(n, _)| Some(n) == number).map_or("", |&(_, name)| name);
    let id = r.container(seq, id.as_bytes(), full_id.map(str::as_bytes), runtime);
    let mut metadata = metadata(r, container);
    metadata.json = Some(r.intern(json));
    r.history.containers[id.index()].metadata.push((seq, metadata));
}

fn metadata(r: &mut Replay, container: &Map<String, Value>) -> ContainerMetadata {
    let mut text = |key: &str| container.get(key).and_then(Value::as_str).map(|s| r.intern(s.as_bytes()));
    let flag = |key: &str| container.get(key).and_then(Value::as_bool);
    let mut metadata = ContainerMetadata {
        name: text("name"),
        image: text("image"),
        image_id: text("imageid"),
        image_repository: text("imagerepo"),
        image_tag: text("imagetag"),
        image_digest: text("imagedigest"),
        is_privileged: flag("privileged"),
        ip: text("ip"),
        host_namespaces: [flag("host_pid"), flag("host_network"), flag("host_ipc")],
        labels: Vec::new(),
        mounts: Vec::new(),
        pod: None,
        json: None,
    };
    let sandbox_id = text("pod_sandbox_id").filter(|&id| id != Sym::EMPTY);
    let mut pod = PodMetadata { sandbox_id, ..PodMetadata::default() };
    // A container's own labels win over those of its pod's sandbox.
    for key in ["pod_sandbox_labels", "labels"] {
        for (name, value) in container.get(key).and_then(Value::as_object).into_iter().flatten() {
            let Some(value) = value.as_str() else { continue };
            let value = r.intern(value.as_bytes());
            match name.as_str() {
                "io.kubernetes.pod.name" => pod.name = Some(value),
                "io.kubernetes.pod.namespace" => pod.namespace = Some(value),
                "io.kubernetes.pod.uid" => pod.uid = Some(value),
                _ => {}
            }
            if key == "labels" {
                let name = r.intern(name.as_bytes());
                metadata.labels.push((name, value));
            }
        }
    }
    metadata.pod = (pod != PodMetadata::default()).then_some(pod);
    for mount in container.get("Mounts").and_then(Value::as_array).into_iter().flatten() {
        let mut text = |key: &str| r.intern(mount.get(key).and_then(Value::as_str).unwrap_or("").as_bytes());
        metadata.mounts.push(ContainerMount {
            source: text("Source"),
            dest: text("Destination"),
            mode: text("Mode"),
            propagation: text("Propagation"),
            is_writable: mount.get("RW").and_then(Value::as_bool).unwrap_or(false),
        });
    }
    metadata
}

/// A container of the snapshot.
pub(crate) fn from_snapshot(r: &mut Replay, seq: Seq, entry: &ContainerEntry) {
    if let Some(json) = &entry.json {
        describe(r, seq, json);
        return;
    }
    if entry.id.is_empty() {
        return;
    }
    let runtime = entry.runtime.as_ref().map_or("", |name| known_runtime(name));
    let id = r.container(seq, &entry.id, Some(&entry.id), runtime);
    let mut optional = |text: &Option<bstr::BString>| text.as_ref().map(|text| r.intern(text));
    let metadata = ContainerMetadata {
        name: optional(&entry.name),
        image: optional(&entry.image),
        ..ContainerMetadata::default()
    };
    r.history.containers[id.index()].metadata.push((seq, metadata));
}

fn known_runtime(name: &[u8]) -> &'static str {
    RUNTIMES.iter().find(|(_, known)| known.as_bytes() == name).map_or("", |&(_, known)| known)
}

impl Replay {
    /// The container with an id, added if it is new. The full id is filled in once it is known.
    pub(crate) fn container(
        &mut self,
        seq: Seq,
        id: &[u8],
        full_id: Option<&[u8]>,
        runtime: &'static str,
    ) -> ContainerId {
        // An id of 64 digits is reported by its first twelve; other runtimes use names.
        let short = if id.len() == 64 { &id[..SHORT] } else { id };
        let short = self.intern(short);
        let full_id = self.intern(full_id.unwrap_or(id));
        if let Some(&known) = self.history.index.containers.get(&short) {
            let row = &mut self.history.containers[known.index()];
            if row.full_id.0 == short {
                row.full_id = Sym0(full_id);
            }
            if row.runtime.is_empty() {
                row.runtime = runtime;
            }
            return known;
        }
        let new = ContainerId::new(index_of(self.history.containers.len()));
        self.history.containers.push(Container {
            full_id: Sym0(full_id),
            id: Sym0(short),
            runtime,
            from: seq,
            metadata: Vec::new(),
        });
        self.history.index.containers.insert(short, new);
        new
    }

    /// Sets the cgroups of a thread, and with them its container.
    pub(crate) fn set_cgroups(&mut self, thread: ThreadId, cgroups: &[u8]) {
        let old = self.attrs_of(thread).cgroups;
        let cgroups = self.intern_list_like(old, cgroups);
        if old == cgroups {
            return;
        }
        let container = self.container_of_cgroups(cgroups);
        self.change_attrs(thread, |attrs| {
            attrs.cgroups = cgroups;
            attrs.container = container;
        });
    }

    /// True if the trace describes this container.
    fn is_described(&self, found: &containers::Found<'_>) -> bool {
        [found.id, found.full_id].into_iter().any(|id| {
            let known = self.history.container_by_id(id).map(|id| self.history.container(id).full_id);
            known.is_some_and(|known| self.text(known.0) == found.full_id)
        })
    }

    /// The container that cgroups name. Threads have few different ones, so the answer is remembered.
    pub(crate) fn container_of_cgroups(&mut self, cgroups: Sym) -> Option<ContainerId> {
        if let Some(&known) = self.live.cgroups.get(&cgroups) {
            return known;
        }
        let text = self.text(cgroups).to_vec();
        let seq = self.now();
        let container = containers::of_cgroups(&text)
            .filter(|found| !found.is_doubtful() || self.is_described(found))
            .map(|found| self.container(seq, found.id, Some(found.full_id), found.runtime));
        self.live.cgroups.insert(cgroups, container);
        container
    }
}
