//! `container.*`: the container of the acting thread.
//!
//! The id comes from the thread's cgroups and is there from the first event on; everything else is metadata that
//! the container's runtime gave to the recorder. Without it those fields are absent. On the host they have the
//! values Falco gives to its pseudo container: `host`, or empty.

use bstr::{BStr, ByteSlice};
use tracehound_state::Sym;
use tracehound_state::history::{ContainerMetadata, ContainerMount};

use crate::Family;
use crate::examples;
use crate::field::{ArgKind, ArgPolicy, Depends, Field, FieldArg, Needs, flags};
use crate::lookup::short_id;
use crate::mount_pattern;
use crate::value::{FieldType, Value};
use crate::view::{ContainerOverride, View};

/// The family.
pub static FAMILY: Family = Family { name: "container", doc: "The container of the acting thread.", fields: FIELDS };

const CONTAINER: Depends = Depends::Container;
const CGROUP: &str = "cgroups of the thread";
const RUNTIME: &str = "metadata from the container's runtime: container events, snapshot";
const PIDNS: &str = "start of the thread's pid namespace: argument of clone, process list";
const META: Needs = Needs::ContainerMetadata;
const PROBES: &str = "deprecated where it comes from; never answered";
const MOUNT_ARG: ArgPolicy = ArgPolicy::Required(ArgKind::IndexOrName);

static FIELDS: &[Field] = &[
    Field::new(
        "container.id",
        FieldType::Str,
        CONTAINER,
        CGROUP,
        id,
        "First 12 characters of the container's id, from the thread's cgroups; the text `host` outside of containers. \
         Absent only for events of an unknown thread.",
    )
    .example(examples::CONTAINER, "", "3ad7b26ded6d"),
    Field::new(
        "container.full_id",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, _| text(v, "container.full_id", "host", |v, _| v.container().map(|c| v.text(c.full_id.0))),
        "The container's whole id; `host` outside of containers.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e"),
    Field::new(
        "container.name",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, _| text(v, "container.name", "host", |v, m| m.name.map(|s| v.text(s))),
        "The container's name; `host` outside of containers.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "web"),
    Field::new(
        "container.image",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, _| text(v, "container.image", "", |v, m| m.image.map(|s| v.text(s))),
        "Image of the container as it was asked for: `docker.io/library/nginx:1.27`.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "example.com/web:1.0"),
    Field::new(
        "container.image.id",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, _| text(v, "container.image.id", "", |v, m| m.image_id.map(|s| v.text(s))),
        "Id of the container's image.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "6f7e2741b66b"),
    Field::new(
        "container.type",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, _| text(v, "container.type", "host", |v, _| v.container().map(|c| c.runtime.as_bytes().as_bstr())),
        "The container's runtime: `docker`, `containerd`, `cri-o`, `podman`, `lxc`; `host` outside of containers.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "docker"),
    Field::new(
        "container.privileged",
        FieldType::Bool,
        CONTAINER,
        RUNTIME,
        |v, _| boolean(v, "container.privileged", |m| m.is_privileged),
        "True for a container with all privileges; false outside of containers.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "true"),
    Field::new(
        "container.mounts",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, _| mounts(v),
        "Mounts of the container as `source:dest:mode:rdwr:propagation`, with commas between.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "/var/run/docker.sock:/docker.sock:ro:false:rprivate"),
    Field::new(
        "container.mount",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, a| mount(v, "container.mount", a, |m| m.source, mount_text),
        "One mount as `source:dest:mode:rdwr:propagation`: by position from 0, or the first whose source the argument \
         is found in (a regular expression, not anchored, without groups). Absent if there is none.",
    )
    .arg(MOUNT_ARG)
    .needs(META)
    .example(examples::CONTAINER, "[0]", "/var/run/docker.sock:/docker.sock:ro:false:rprivate"),
    Field::new(
        "container.mount.source",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, a| mount(v, "container.mount.source", a, |m| m.dest, |v, m| v.text(m.source).to_vec()),
        "Source of a mount, by position or by a regular expression for its destination; see `container.mount`.",
    )
    .arg(MOUNT_ARG)
    .needs(META)
    .example(examples::CONTAINER, "[0]", "/var/run/docker.sock"),
    Field::new(
        "container.mount.dest",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, a| mount(v, "container.mount.dest", a, |m| m.source, |v, m| v.text(m.dest).to_vec()),
        "Destination of a mount, by position or by a regular expression for its source; see `container.mount`. Absent \
         if there is none, so that `not container.mount.dest[/x] in (...)` holds for a container without the mount.",
    )
    .arg(MOUNT_ARG)
    .needs(META)
    .example(examples::CONTAINER, "[/var/run/docker.sock]", "/docker.sock"),
    Field::new(
        "container.mount.mode",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, a| mount(v, "container.mount.mode", a, |m| m.source, |v, m| v.text(m.mode).to_vec()),
        "Mode of a mount; see `container.mount`.",
    )
    .arg(MOUNT_ARG)
    .needs(META)
    .example(examples::CONTAINER, "[0]", "ro"),
    Field::new(
        "container.mount.rdwr",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, a| mount(v, "container.mount.rdwr", a, |m| m.source, |_, m| m.is_writable.to_string().into_bytes()),
        "`true` for a writable mount, else `false`; see `container.mount`.",
    )
    .arg(MOUNT_ARG)
    .needs(META)
    .example(examples::CONTAINER, "[0]", "false"),
    Field::new(
        "container.mount.propagation",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, a| mount(v, "container.mount.propagation", a, |m| m.source, |v, m| v.text(m.propagation).to_vec()),
        "Propagation of a mount; see `container.mount`.",
    )
    .arg(MOUNT_ARG)
    .needs(META)
    .example(examples::CONTAINER, "[0]", "rprivate"),
    Field::new(
        "container.image.repository",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, _| text(v, "container.image.repository", "", |v, m| m.image_repository.map(|s| v.text(s))),
        "Repository of the container's image, without tag or digest. Empty outside of containers.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "example.com/web"),
    Field::new(
        "container.image.tag",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, _| text(v, "container.image.tag", "", |v, m| m.image_tag.map(|s| v.text(s))),
        "Tag of the container's image.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "1.0"),
    Field::new(
        "container.image.digest",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, _| text(v, "container.image.digest", "", |v, m| m.image_digest.map(|s| v.text(s))),
        "Digest of the container's image: `sha256:...`.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "sha256:12"),
    Field::absent("container.healthcheck", FieldType::Str, PROBES, "Never answered: kept so that old rules load.")
        .flags(flags::DEPRECATED),
    Field::absent("container.liveness_probe", FieldType::Str, PROBES, "Never answered: kept so that old rules load.")
        .flags(flags::DEPRECATED),
    Field::absent("container.readiness_probe", FieldType::Str, PROBES, "Never answered: kept so that old rules load.")
        .flags(flags::DEPRECATED),
    Field::new(
        "container.start_ts",
        FieldType::AbsTime,
        Depends::Actor,
        PIDNS,
        |v, _| start_field(v, "container.start_ts", |at| at),
        "Start of the container, nanoseconds since the epoch: that of the first process of the thread's pid \
         namespace. Absent on the host, and if not known.",
    )
    .example(examples::CONTAINER, "", "1735689599000000000"),
    Field::new(
        "container.duration",
        FieldType::RelTime,
        Depends::Time,
        PIDNS,
        |v, _| start_field(v, "container.duration", |at| v.event.head.ts.0.wrapping_sub(at)),
        "Nanoseconds since `container.start_ts`.",
    )
    .example(examples::CONTAINER, "", "1000001000"),
    Field::new(
        "container.ip",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, _| text(v, "container.ip", "", |v, m| m.ip.map(|s| v.text(s))),
        "First IPv4 address of the container.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "172.17.0.2"),
    Field::new(
        "container.cni.json",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, _| only_host(v, "container.cni.json", Value::str("")),
        "Result of the container's network set-up as JSON; not kept by the analyzer, so absent in containers.",
    )
    .needs(META)
    .example(examples::GETCWD, "", ""),
    Field::new(
        "container.host_pid",
        FieldType::Bool,
        CONTAINER,
        RUNTIME,
        |v, _| boolean(v, "container.host_pid", |m| m.host_namespaces[0]),
        "True for a container in the host's pid namespace; false outside of containers.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "false"),
    Field::new(
        "container.host_network",
        FieldType::Bool,
        CONTAINER,
        RUNTIME,
        |v, _| boolean(v, "container.host_network", |m| m.host_namespaces[1]),
        "True for a container in the host's network namespace; false outside of containers.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "true"),
    Field::new(
        "container.host_ipc",
        FieldType::Bool,
        CONTAINER,
        RUNTIME,
        |v, _| boolean(v, "container.host_ipc", |m| m.host_namespaces[2]),
        "True for a container in the host's IPC namespace; false outside of containers.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "false"),
    Field::new(
        "container.label",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        label,
        "One label of the container: `container.label.app`. Absent if it has none of this name.",
    )
    .arg(ArgPolicy::Required(ArgKind::Name))
    .needs(META)
    .example(examples::CONTAINER, ".app", "shop"),
    Field::new(
        "container.labels",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, _| labels(v),
        "Labels of the container as `key:value`, with a comma and a blank between, without annotations and those of \
         Kubernetes itself.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "app:shop"),
];

fn id<'a>(view: &View<'a>, _: &FieldArg) -> Value<'a> {
    if view.fact.thread.is_none() {
        return Value::Null;
    }
    match &view.context.container_override {
        Some(ContainerOverride::Host) => Value::str("host"),
        Some(ContainerOverride::Fixed { full_id, .. }) => Value::str(short_id(full_id.as_bytes().as_bstr())),
        None => view.container().map_or(Value::str("host"), |container| Value::str(view.text(container.id.0))),
    }
}

/// Where the values of metadata fields come from.
pub(crate) enum Metadata<'a> {
    /// There is no thread, or a container of which only the id is known.
    Unknown,
    /// The thread runs outside of containers.
    Host,
    /// The context gives this text instead.
    Given(&'a str),
    /// The runtime's.
    Known(&'a ContainerMetadata),
}

pub(crate) fn metadata<'a>(view: &View<'a>, field: &str) -> Metadata<'a> {
    if view.fact.thread.is_none() {
        return Metadata::Unknown;
    }
    match &view.context.container_override {
        Some(ContainerOverride::Host) => Metadata::Host,
        Some(ContainerOverride::Fixed { full_id, runtime, fields }) => {
            let given = match field {
                "container.full_id" => Some(full_id.as_str()),
                "container.type" => Some(runtime.as_str()),
                _ => fields.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str()),
            };
            given.map_or(Metadata::Unknown, Metadata::Given)
        }
        None if view.attrs().is_none_or(|attrs| attrs.container.is_none()) => Metadata::Host,
        None => view.container_metadata().map_or(Metadata::Unknown, Metadata::Known),
    }
}

/// A text; one that the runtime did not give is empty, as in Falco.
pub(crate) fn text<'a>(
    view: &View<'a>,
    field: &'static str,
    on_host: &'static str,
    part: fn(&View<'a>, &'a ContainerMetadata) -> Option<&'a BStr>,
) -> Value<'a> {
    match metadata(view, field) {
        Metadata::Unknown => Value::Null,
        Metadata::Host => Value::str(on_host),
        Metadata::Given(text) => Value::str(text),
        Metadata::Known(metadata) => Value::str(part(view, metadata).unwrap_or(b"".as_bstr())),
    }
}

fn boolean<'a>(view: &View<'a>, field: &'static str, part: fn(&ContainerMetadata) -> Option<bool>) -> Value<'a> {
    match metadata(view, field) {
        Metadata::Unknown => Value::Null,
        Metadata::Host => Value::Bool(false),
        Metadata::Given(text) => Value::Bool(text == "true"),
        Metadata::Known(metadata) => Value::Bool(part(metadata).unwrap_or(false)),
    }
}

/// A value that only the host has; the trace does not keep it for containers.
pub(crate) fn only_host<'a>(view: &View<'a>, field: &'static str, on_host: Value<'a>) -> Value<'a> {
    match metadata(view, field) {
        Metadata::Host => on_host,
        Metadata::Given(text) => Value::str(text),
        Metadata::Unknown | Metadata::Known(_) => Value::Null,
    }
}

fn start_field<'a>(view: &View<'a>, field: &'static str, part: impl FnOnce(u64) -> u64) -> Value<'a> {
    if view.context.container_override.is_some() {
        return match metadata(view, field) {
            Metadata::Given(text) => Value::from_option(text.parse().ok(), Value::Uint),
            _ => Value::Null,
        };
    }
    // The plugin gives the start of init for a thread of the host; a host is no container that started.
    let attrs = view.attrs().filter(|attrs| attrs.container.is_some());
    let start = attrs.and_then(|attrs| attrs.pidns_init_start_ns).filter(|&at| at != 0);
    Value::from_option(start, |at| Value::Uint(part(at)))
}

fn mount_text(view: &View<'_>, mount: &ContainerMount) -> Vec<u8> {
    let mut out = Vec::new();
    for part in [mount.source, mount.dest, mount.mode] {
        out.extend_from_slice(view.text(part));
        out.push(b':');
    }
    out.extend_from_slice(if mount.is_writable { b"true:" } else { b"false:" });
    out.extend_from_slice(view.text(mount.propagation));
    out
}

fn mounts<'a>(view: &View<'a>) -> Value<'a> {
    match metadata(view, "container.mounts") {
        Metadata::Unknown => Value::Null,
        Metadata::Host => Value::str(""),
        Metadata::Given(text) => Value::str(text),
        Metadata::Known(metadata) => {
            let all: Vec<_> = metadata.mounts.iter().map(|mount| mount_text(view, mount)).collect();
            Value::owned(all.join(&b","[..]))
        }
    }
}

fn mount<'a>(
    view: &View<'a>,
    field: &'static str,
    arg: &FieldArg,
    searched: fn(&ContainerMount) -> Sym,
    part: fn(&View<'_>, &ContainerMount) -> Vec<u8>,
) -> Value<'a> {
    let Metadata::Known(metadata) = metadata(view, field) else { return Value::Null };
    let mount = match arg {
        FieldArg::Index(n) => metadata.mounts.get(*n as usize),
        FieldArg::Name(pattern) => {
            metadata.mounts.iter().find(|mount| mount_pattern::is_found(pattern.as_bytes(), view.text(searched(mount))))
        }
        FieldArg::None => None,
    };
    Value::from_option(mount, |mount| Value::owned(part(view, mount)))
}

/// A label by name.
pub(crate) fn label_of<'a>(view: &View<'a>, metadata: &'a ContainerMetadata, name: &str) -> Option<&'a BStr> {
    metadata.labels.iter().find(|&&(key, _)| view.text(key) == name).map(|&(_, value)| view.text(value))
}

fn label<'a>(view: &View<'a>, arg: &FieldArg) -> Value<'a> {
    let (Metadata::Known(metadata), FieldArg::Name(name)) = (metadata(view, "container.label"), arg) else {
        return Value::Null;
    };
    Value::from_option(label_of(view, metadata, name), Value::str)
}

fn labels<'a>(view: &View<'a>) -> Value<'a> {
    let metadata = match metadata(view, "container.labels") {
        Metadata::Unknown => return Value::Null,
        Metadata::Host => return Value::str(""),
        Metadata::Given(text) => return Value::str(text),
        Metadata::Known(metadata) => metadata,
    };
    let mut labels: Vec<_> = metadata.labels.iter().map(|&(key, value)| (view.text(key), view.text(value))).collect();
    labels.sort_unstable();
    let mut out = Vec::new();
    for (key, value) in labels {
        if key.starts_with(b"annotation.") || key.starts_with(b"io.kubernetes.") {
            continue;
        }
        if !out.is_empty() {
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(key);
        if !value.is_empty() {
            out.push(b':');
            out.extend_from_slice(value);
        }
    }
    Value::owned(out)
}
