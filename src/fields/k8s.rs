//! `k8s.*`: the Kubernetes pod of the acting thread's container, as the container's runtime knows it.

use bstr::BStr;
use tracehound_state::Sym;
use tracehound_state::history::{ContainerMetadata, PodMetadata};

use crate::Family;
use crate::container::{Metadata, label_of, metadata, only_host};
use crate::examples;
use crate::field::{ArgKind, ArgPolicy, Depends, Field, Needs, flags};
use crate::lookup::short_id;
use crate::value::{FieldType, Value};
use crate::view::View;

/// The family.
pub static FAMILY: Family = Family { name: "k8s", doc: "The Kubernetes pod of the acting thread.", fields: FIELDS };

const CONTAINER: Depends = Depends::Container;
const LABELS: &str = "labels of the container from its runtime";
const RUNTIME: &str = "metadata from the container's runtime";
const META: Needs = Needs::ContainerMetadata;
const KEY: ArgPolicy = ArgPolicy::Required(ArgKind::Name);
const API: &str = "only the Kubernetes API knows; a trace of a node does not have it";
const SANDBOX: &str = "labels and addresses of the pod's sandbox are not kept in the history";

/// A field that engines dropped; rules that name it still load.
const fn dropped(name: &'static str) -> Field {
    Field::absent(name, FieldType::Str, API, "Never answered: kept so that old rules load.").flags(flags::DEPRECATED)
}

static FIELDS: &[Field] = &[
    Field::new(
        "k8s.pod.name",
        FieldType::Str,
        CONTAINER,
        LABELS,
        |v, _| pod(v, "k8s.pod.name", "io.kubernetes.pod.name", |p| p.name),
        "Name of the pod. Absent outside of Kubernetes.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "web-0"),
    Field::new(
        "k8s.ns.name",
        FieldType::Str,
        CONTAINER,
        LABELS,
        |v, _| pod(v, "k8s.ns.name", "io.kubernetes.pod.namespace", |p| p.namespace),
        "Kubernetes namespace of the pod. Absent outside of Kubernetes.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "prod"),
    Field::new(
        "k8s.pod.id",
        FieldType::Str,
        CONTAINER,
        LABELS,
        |v, _| pod(v, "k8s.pod.id", "io.kubernetes.pod.uid", |p| p.uid),
        "The same as `k8s.pod.uid`.",
    )
    .flags(flags::DEPRECATED)
    .needs(META)
    .example(examples::CONTAINER, "", "u-1"),
    Field::new(
        "k8s.pod.uid",
        FieldType::Str,
        CONTAINER,
        LABELS,
        |v, _| pod(v, "k8s.pod.uid", "io.kubernetes.pod.uid", |p| p.uid),
        "Unique id of the pod. Absent outside of Kubernetes.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "u-1"),
    Field::new(
        "k8s.pod.sandbox_id",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, _| sandbox(v, "k8s.pod.sandbox_id", short_id),
        "First 12 characters of the id of the pod's sandbox container; empty outside of Kubernetes.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "0123456789ab"),
    Field::new(
        "k8s.pod.full_sandbox_id",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, _| sandbox(v, "k8s.pod.full_sandbox_id", |id| id),
        "Id of the pod's sandbox container; empty outside of Kubernetes.",
    )
    .needs(META)
    .example(examples::CONTAINER, "", "0123456789abcdef"),
    Field::absent("k8s.pod.label", FieldType::Str, SANDBOX, "One label of the pod.").arg(KEY),
    Field::new(
        "k8s.pod.labels",
        FieldType::Str,
        CONTAINER,
        RUNTIME,
        |v, _| only_host(v, "k8s.pod.labels", Value::str("")),
        "Labels of the pod: empty outside of containers, absent in them because the history does not keep them.",
    )
    .needs(Needs::NotInTrace(SANDBOX)),
    Field::absent("k8s.pod.ip", FieldType::Str, SANDBOX, "First IPv4 address of the pod."),
    Field::absent("k8s.pod.cni.json", FieldType::Str, SANDBOX, "Result of the pod's network set-up as JSON."),
    dropped("k8s.rc.name"),
    dropped("k8s.rc.id"),
    dropped("k8s.rc.label").arg(KEY),
    dropped("k8s.rc.labels"),
    dropped("k8s.svc.name"),
    dropped("k8s.svc.id"),
    dropped("k8s.svc.label").arg(KEY),
    dropped("k8s.svc.labels"),
    dropped("k8s.ns.id"),
    dropped("k8s.ns.label").arg(KEY),
    dropped("k8s.ns.labels"),
    dropped("k8s.rs.name"),
    dropped("k8s.rs.id"),
    dropped("k8s.rs.label").arg(KEY),
    dropped("k8s.rs.labels"),
    dropped("k8s.deployment.name"),
    dropped("k8s.deployment.id"),
    dropped("k8s.deployment.label").arg(KEY),
    dropped("k8s.deployment.labels"),
];

fn pod<'a>(
    view: &View<'a>,
    field: &'static str,
    label: &'static str,
    part: fn(&PodMetadata) -> Option<Sym>,
) -> Value<'a> {
    match metadata(view, field) {
        Metadata::Unknown | Metadata::Host => Value::Null,
        Metadata::Given(text) => Value::str(text),
        Metadata::Known(metadata) => {
            let known = metadata.pod.as_ref().and_then(part).map(|sym| view.text(sym));
            Value::from_option(known.or_else(|| label_of(view, metadata, label)), Value::str)
        }
    }
}

fn sandbox<'a>(view: &View<'a>, field: &'static str, cut: fn(&BStr) -> &BStr) -> Value<'a> {
    let id = |metadata: &ContainerMetadata| metadata.pod.as_ref().and_then(|pod| pod.sandbox_id);
    match metadata(view, field) {
        Metadata::Unknown => Value::Null,
        Metadata::Host => Value::str(""),
        Metadata::Given(text) => Value::str(text),
        Metadata::Known(metadata) => match id(metadata) {
            Some(id) => Value::str(cut(view.text(id))),
            None => Value::str(""),
        },
    }
}
