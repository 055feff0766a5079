//! The configuration that a container is started with (OCI runtime specification, `config.json`), with what
//! containerd, CRI-O and others write into its annotations.
//!
//! Names of annotations: containerd `pkg/cri/annotations/annotations.go`, CRI-O `pkg/annotations/internal.go`.

use serde_json::Value;

use super::{Description, Mount, pairs, read_json, text};
use crate::files::Root;

/// Where containerd keeps the containers that run, also as part of k3s and MicroK8s; below are its namespaces.
const FOLDERS: [&str; 3] = [
    "/run/containerd/io.containerd.runtime.v2.task",
    "/run/k3s/containerd/io.containerd.runtime.v2.task",
    "/var/snap/microk8s/common/run/containerd/io.containerd.runtime.v2.task",
];

/// Most namespaces of containerd that are looked at.
const MAX_NAMESPACES: usize = 64;

pub(super) fn containerd(root: &Root, id: &str) -> Option<Description> {
    FOLDERS.into_iter().find_map(|folder| {
        // Kubernetes' and Docker's namespaces are `k8s.io` and `moby`; nerdctl's and ctr's is `default`.
        let namespaces = root.names(folder, MAX_NAMESPACES);
        namespaces.iter().find_map(|namespace| {
            let config = read_json(root, &format!("{folder}/{namespace}/{id}/config.json"))?;
            let mut description = description(&config);
            description.runtime = Some(if namespace == "moby" { "docker" } else { "containerd" });
            Some(description)
        })
    })
}

/// What the configuration itself says.
pub(super) fn description(config: &Value) -> Description {
    let annotations = &config["annotations"];
    let first = |keys: &[&str]| keys.iter().find_map(|key| text(annotations, key));
    let mut description = Description {
        name: first(&["io.kubernetes.cri.container-name", "io.kubernetes.cri-o.KubeName", "nerdctl/name"]),
        image: first(&[
            "io.kubernetes.cri.image-name",
            "io.kubernetes.cri-o.ImageName",
            "io.kubernetes.cri-o.UserRequestedImage",
            "io.kubernetes.cri-o.Image",
        ]),
        image_id: first(&["io.kubernetes.cri-o.ImageRef"]),
        sandbox: first(&["io.kubernetes.cri.sandbox-id", "io.kubernetes.cri-o.SandboxID"]),
        created: first(&["io.kubernetes.cri-o.Created"]),
        ip: first(&["io.kubernetes.cri-o.IP.0"]),
        host_namespaces: ["pid", "network", "ipc"].map(|name| is_hosts(config, name)),
        mounts: mounts(config),
        ..Description::default()
    };
    if description.name.is_none() && text(annotations, "io.kubernetes.cri.container-type").as_deref() == Some("sandbox")
    {
        description.name = Some("POD".to_owned());
    }
    // CRI-O keeps lists as JSON text.
    let labels = text(annotations, "io.kubernetes.cri-o.Labels").and_then(|text| serde_json::from_str(&text).ok());
    pairs(&labels.unwrap_or(Value::Null)).for_each(|(key, value)| description.label(key, value));
    for (key, label) in [
        ("io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name"),
        ("io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace"),
        ("io.kubernetes.cri.sandbox-uid", "io.kubernetes.pod.uid"),
        ("io.kubernetes.cri.container-name", "io.kubernetes.container.name"),
        ("io.kubernetes.cri-o.KubeName", "io.kubernetes.pod.name"),
        ("io.kubernetes.cri-o.Namespace", "io.kubernetes.pod.namespace"),
    ] {
        if let Some(value) = text(annotations, key) {
            description.label(label, &value);
        }
    }
    if let Some(name) = label(&description, "io.kubernetes.container.name") {
        description.name = Some(name);
    }
    description
}

fn label(description: &Description, key: &str) -> Option<String> {
    description.labels.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
}

/// True if a container has no namespace of its own of this type; unknown without a list of them.
fn is_hosts(config: &Value, name: &str) -> Option<bool> {
    let namespaces = config["linux"]["namespaces"].as_array()?;
    Some(!namespaces.iter().any(|namespace| text(namespace, "type").as_deref() == Some(name)))
}

/// What is mounted from the host: the rest (proc, sysfs, ...) every container has.
fn mounts(config: &Value) -> Vec<Mount> {
    let all = config["mounts"].as_array().into_iter().flatten();
    let bind = all.filter(|mount| text(mount, "type").as_deref() == Some("bind"));
    let mount = |mount: &Value| {
        let options: Vec<&str> = mount["options"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let propagation = options.iter().find(|o| o.contains("private") || o.contains("shared") || o.contains("slave"));
        Mount {
            source: text(mount, "source").unwrap_or_default(),
            target: text(mount, "destination").unwrap_or_default(),
            mode: options.join(","),
            is_writable: !options.contains(&"ro"),
            propagation: propagation.copied().unwrap_or_default().to_owned(),
        }
    };
    bind.map(mount).collect()
}
