//! Where it runs: host, container, pod, service. What a trace does not know can be given with `--tag KEY:VALUE`.

use bstr::{BStr, ByteSlice};
use tracehound_fields::{FieldType, Needs, Value, examples};
use tracehound_state::history::ContainerMetadata;

use super::catalogue::{Getter, Row};
use super::view::SignalView;
use super::{ActivitySet, Lasts};

const ALL: ActivitySet = ActivitySet::ALL;
const CGROUP: &str = "cgroups of the thread";
const RUNTIME: &str = "metadata from the container's runtime, as of the event; `--tag`";
const LABELS: &str = "labels of the container from its runtime; `--tag`";
const GIVEN: &str = "`--tag` only: a trace of one machine does not have it";
const INSTANCE: &str = "a container gets a new id with each start";

/// A container of a pod with Datadog's labels of a service.
const LABELLED: &str = r#"container 3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e runtime=docker name=k8s_shop json="{\"container\":{\"id\":\"3ad7b26ded6d\",\"type\":0,\"name\":\"k8s_shop\",\"labels\":{\"io.kubernetes.container.name\":\"shop\",\"com.datadoghq.tags.env\":\"prod\",\"com.datadoghq.tags.service\":\"shop\",\"tags.datadoghq.com/version\":\"1.2\"}}}"
thread 7 pid=7 vpid=1 vtid=1 comm=sh cgroups=["memory=/docker/3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e"]
7 getcwd res=0 path=/"#;

/// A tag that only `--tag` gives.
const fn given(name: &'static str, doc: &'static str) -> Row {
    Row::new(name, FieldType::Str, ALL, GIVEN, Getter::View(|_| Value::Null), doc)
}

pub(super) static ROWS: &[Row] = &[
    Row::new(
        "host",
        FieldType::Str,
        ALL,
        "machine information of the trace; `--tag`",
        Getter::View(|v| v.host()),
        "Name of the machine the trace was recorded on.",
    )
    .aliases(&["@host", "@host.name", "@evt.hostname"])
    .lasts(Lasts::Partly)
    .example(examples::EXEC, "web-01"),
    Row::new(
        "env",
        FieldType::Str,
        ALL,
        LABELS,
        Getter::View(|v| label(v, &["com.datadoghq.tags.env", "tags.datadoghq.com/env"])),
        "Environment the workload belongs to: `prod`, `staging`.",
    )
    .example(LABELLED, "prod"),
    Row::new(
        "service",
        FieldType::Str,
        ALL,
        LABELS,
        Getter::View(|v| label(v, &["com.datadoghq.tags.service", "tags.datadoghq.com/service"])),
        "Service the workload belongs to.",
    )
    .example(LABELLED, "shop"),
    Row::new(
        "version",
        FieldType::Str,
        ALL,
        LABELS,
        Getter::View(|v| label(v, &["com.datadoghq.tags.version", "tags.datadoghq.com/version"])),
        "Version of the service.",
    )
    .example(LABELLED, "1.2")
    .lasts(Lasts::Partly),
    Row::new(
        "@container.id",
        FieldType::Str,
        ALL,
        CGROUP,
        Getter::View(|v| {
            let container = v.process().and_then(|process| process.attrs.container);
            Value::from_option(container, |id| Value::str(v.history().text(v.history().container(id).full_id.0)))
        }),
        "Whole id of the container. Absent on the host.",
    )
    .aliases(&["container.id"])
    .lasts(Lasts::No(INSTANCE))
    .example(examples::CONTAINER, "3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e"),
    Row::new(
        "container_id",
        FieldType::Str,
        ALL,
        CGROUP,
        Getter::View(|v| {
            let container = v.process().and_then(|process| process.attrs.container);
            Value::from_option(container, |id| Value::str(v.history().text(v.history().container(id).full_id.0)))
        }),
        "The same as `@container.id`, as a tag.",
    )
    .lasts(Lasts::No(INSTANCE))
    .example(examples::CONTAINER, "3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e"),
    Row::new(
        "container_name",
        FieldType::Str,
        ALL,
        RUNTIME,
        Getter::View(|v| of_metadata(v, |v, m| m.name.map(|sym| v.history().text(sym)))),
        "Name of the container.",
    )
    .aliases(&["container.name", "@container.name"])
    .needs(Needs::ContainerMetadata)
    .lasts(Lasts::Partly)
    .example(examples::CONTAINER, "web"),
    Row::new(
        "image_name",
        FieldType::Str,
        ALL,
        RUNTIME,
        Getter::View(|v| of_metadata(v, |v, m| m.image_repository.map(|sym| v.history().text(sym)))),
        "Repository of the container's image, without tag and digest.",
    )
    .needs(Needs::ContainerMetadata)
    .example(examples::CONTAINER, "example.com/web"),
    Row::new(
        "short_image",
        FieldType::Str,
        ALL,
        RUNTIME,
        Getter::View(|v| {
            of_metadata(v, |v, m| m.image_repository.map(|sym| super::process::base_name(v.history().text(sym))))
        }),
        "Last component of the image's repository.",
    )
    .needs(Needs::ContainerMetadata)
    .example(examples::CONTAINER, "web"),
    Row::new(
        "image_tag",
        FieldType::Str,
        ALL,
        RUNTIME,
        Getter::View(|v| of_metadata(v, |v, m| m.image_tag.map(|sym| v.history().text(sym)))),
        "Tag of the container's image.",
    )
    .needs(Needs::ContainerMetadata)
    .lasts(Lasts::Partly)
    .example(examples::CONTAINER, "1.0"),
    Row::new(
        "image_id",
        FieldType::Str,
        ALL,
        RUNTIME,
        Getter::View(|v| of_metadata(v, |v, m| m.image_id.map(|sym| v.history().text(sym)))),
        "Id of the container's image.",
    )
    .needs(Needs::ContainerMetadata)
    .lasts(Lasts::No("an image gets a new id with each build"))
    .example(examples::CONTAINER, "6f7e2741b66b"),
    Row::new(
        "pod_name",
        FieldType::Str,
        ALL,
        LABELS,
        Getter::View(|v| label(v, &["io.kubernetes.pod.name"])),
        "Name of the Kubernetes pod.",
    )
    .needs(Needs::ContainerMetadata)
    .lasts(Lasts::No("a pod of a deployment gets a new name with each start"))
    .example(examples::CONTAINER, "web-0"),
    Row::new(
        "kube_namespace",
        FieldType::Str,
        ALL,
        LABELS,
        Getter::View(|v| label(v, &["io.kubernetes.pod.namespace"])),
        "Kubernetes namespace of the pod.",
    )
    .needs(Needs::ContainerMetadata)
    .example(examples::CONTAINER, "prod"),
    Row::new(
        "kube_container_name",
        FieldType::Str,
        ALL,
        LABELS,
        Getter::View(|v| label(v, &["io.kubernetes.container.name"])),
        "Name of the container in its pod's specification.",
    )
    .needs(Needs::ContainerMetadata)
    .example(LABELLED, "shop"),
    given("kube_deployment", "Kubernetes deployment of the pod."),
    given("kube_service", "Kubernetes service in front of the pod."),
    given("kube_cluster_name", "Name of the Kubernetes cluster."),
    given("kube_node", "Name of the Kubernetes node."),
];

fn of_metadata<'a>(
    view: &SignalView<'a>,
    part: fn(&SignalView<'a>, &'a ContainerMetadata) -> Option<&'a BStr>,
) -> Value<'a> {
    let text = view.container_metadata().and_then(|metadata| part(view, metadata));
    Value::from_option(text.and_then(super::process::known), Value::str)
}

/// The first of several labels that the container has.
fn label<'a>(view: &SignalView<'a>, names: &[&str]) -> Value<'a> {
    let Some(metadata) = view.container_metadata() else { return Value::Null };
    let history = view.history();
    let pod = metadata.pod.as_ref();
    let found = names.iter().find_map(|&name| {
        let of_pod = match name {
            "io.kubernetes.pod.name" => pod.and_then(|pod| pod.name),
            "io.kubernetes.pod.namespace" => pod.and_then(|pod| pod.namespace),
            _ => None,
        };
        let label = metadata.labels.iter().find(|&&(key, _)| history.text(key) == name.as_bytes().as_bstr());
        of_pod.or(label.map(|&(_, value)| value)).and_then(|sym| super::process::known(history.text(sym)))
    });
    Value::from_option(found, Value::str)
}
