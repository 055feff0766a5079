//! Podman and CRI-O: the storage of containers (`containers/storage`), which both use.
//!
//! `containers.json` lists names and images; `ID/userdata/config.json` is what a container was started with.

use bstr::ByteSlice;
use serde_json::Value;

use super::{Description, oci, read_json, text};
use crate::files::Root;

/// Folders of the storage that have `containers.json`.
const LISTS: [&str; 1] = ["/var/lib/containers/storage/overlay-containers"];
/// Folders that have the configuration of a container.
const CONFIGURATIONS: [&str; 2] =
    ["/var/lib/containers/storage/overlay-containers", "/run/containers/storage/overlay-containers"];
/// Below the home of a user who runs containers.
const BELOW_HOME: &str = ".local/share/containers/storage/overlay-containers";

pub(super) fn describe(root: &Root, id: &str, path: &[u8]) -> Option<Description> {
    let home = home_of_user(root, path).map(|home| format!("{home}/{BELOW_HOME}"));
    let with_home = |folders: &[&'static str]| -> Vec<String> {
        folders.iter().map(|&folder| folder.to_owned()).chain(home.clone()).collect()
    };
    let config = with_home(&CONFIGURATIONS)
        .iter()
        .find_map(|folder| read_json(root, &format!("{folder}/{id}/userdata/config.json")));
    let listed = with_home(&LISTS).iter().find_map(|folder| {
        let list = read_json(root, &format!("{folder}/containers.json"))?;
        list.as_array()?.iter().find(|item| text(item, "id").as_deref() == Some(id)).cloned()
    });
    if config.is_none() && listed.is_none() {
        return None;
    }
    let config = config.unwrap_or_default();
    let mut description = oci::description(&config);
    let is_podman = text(&config["annotations"], "io.container.manager").as_deref() == Some("libpod");
    let is_crio = text(&config["annotations"], "io.kubernetes.cri-o.ContainerType").is_some();
    description.runtime = match (is_podman, is_crio) {
        (true, _) => Some("podman"),
        (_, true) => Some("cri-o"),
        _ => path.find(b"libpod").map(|_| "podman"),
    };
    if let Some(listed) = listed {
        // What Podman and CRI-O keep beside it is JSON as text.
        let metadata = text(&listed, "metadata").and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let metadata = metadata.unwrap_or_default();
        let name = || listed["names"].as_array()?.first()?.as_str().map(str::to_owned);
        description.name = description.name.or_else(name);
        description.image = description.image.or_else(|| text(&metadata, "image-name"));
        description.image_id = description.image_id.or_else(|| text(&listed, "image"));
        description.created = description.created.or_else(|| text(&listed, "created"));
    }
    Some(description)
}

/// The home of the user in whose slice a cgroup is: `/user.slice/user-1000.slice/...`.
fn home_of_user(root: &Root, path: &[u8]) -> Option<String> {
    let rest = &path[path.find(b"/user-")? + b"/user-".len()..];
    let uid: u32 = rest[..rest.find(b".slice")?].to_str().ok()?.parse().ok()?;
    let user = crate::snapshot::users(root).into_iter().find(|user| user.uid == uid)?;
    let home = user.home.to_str().ok()?;
    (home.starts_with('/') && !home.split('/').any(|part| part == "..")).then(|| home.to_owned())
}
