//! Docker: `config.v2.json` and `hostconfig.json` of a container (moby `container/container.go`, `CommonContainer`).

use serde_json::Value;

use super::{Description, Mount, pairs, read_json, text};
use crate::files::Root;

/// Where Docker keeps its data, unless its configuration says otherwise; last as a snap package.
const FOLDERS: [&str; 2] = ["/var/lib/docker", "/var/snap/docker/common/var-lib-docker"];

pub(super) fn describe(root: &Root, id: &str) -> Option<Description> {
    let configured = read_json(root, "/etc/docker/daemon.json").and_then(|daemon| text(&daemon, "data-root"));
    let folders = configured.iter().map(String::as_str).chain(FOLDERS);
    folders.into_iter().find_map(|folder| {
        let folder = format!("{folder}/containers/{id}");
        let config = read_json(root, &format!("{folder}/config.v2.json"))?;
        let host = read_json(root, &format!("{folder}/hostconfig.json")).unwrap_or_default();
        Some(description(&config, &host))
    })
}

fn description(config: &Value, host: &Value) -> Description {
    let inner = &config["Config"];
    let mode = |key: &str| host.get(key).and_then(Value::as_str).map(|mode| mode == "host");
    let networks = config["NetworkSettings"]["Networks"].as_object();
    let mounts = config["MountPoints"].as_object().into_iter().flat_map(|mounts| mounts.values());
    Description {
        name: text(config, "Name").map(|name| name.trim_start_matches('/').to_owned()),
        image: text(inner, "Image"),
        image_id: text(config, "Image"),
        labels: pairs(&inner["Labels"]).map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        sandbox: None,
        ip: networks.and_then(|networks| networks.values().find_map(|network| text(network, "IPAddress"))),
        is_privileged: host.get("Privileged").and_then(Value::as_bool),
        host_namespaces: [mode("PidMode"), mode("NetworkMode"), mode("IpcMode")],
        mounts: mounts
            .map(|mount| Mount {
                source: text(mount, "Source").unwrap_or_default(),
                target: text(mount, "Destination").unwrap_or_default(),
                mode: text(mount, "Mode").unwrap_or_default(),
                is_writable: mount["RW"].as_bool().unwrap_or(false),
                propagation: text(mount, "Propagation").unwrap_or_default(),
            })
            .collect(),
        created: text(config, "Created"),
        runtime: Some("docker"),
    }
}
