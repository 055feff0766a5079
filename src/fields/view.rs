//! One event with everything known about it: what fields are read from.

use tracehound_formats::{Event, Seq};
use tracehound_state::history::{Attrs, ContainerMetadata, Image, OpenFile, Process, Thread};
use tracehound_state::{Fact, FileNames, History};

/// What holds for a whole analysis.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Host name for `evt.hostname` and signals; from the trace unless given.
    pub hostname: String,
    /// Time of the first event, for `evt.reltime`; ns since the epoch.
    pub first_ns: u64,
    /// A container that stands for every thread's own, whatever its cgroup says. Only for tests that compare
    /// with an engine whose container plug-in answered so.
    pub container_override: Option<ContainerOverride>,
}

/// Answers that replace what the trace says about containers.
#[derive(Clone, Debug)]
pub enum ContainerOverride {
    /// Every thread counts as the host.
    Host,
    /// Every thread is in this container.
    Fixed {
        /// Full id.
        full_id: String,
        /// Runtime (`container.type`).
        runtime: String,
        /// Values of other `container.*` and `k8s.*` fields by name; a field not named here is absent.
        fields: Vec<(String, String)>,
    },
}

/// One event, what it did, and the history as of it.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The event.
    pub event: Event<'a>,
    /// What it did.
    pub fact: &'a Fact,
    /// Everything known.
    pub history: &'a History,
    /// What holds for the analysis.
    pub context: &'a Context,
}

impl<'a> View<'a> {
    /// Number of the event.
    pub fn seq(&self) -> Seq {
        self.event.head.seq
    }

    /// The acting thread.
    pub fn thread(&self) -> Option<&'a Thread> {
        self.fact.thread.map(|id| self.history.thread(id))
    }

    /// The acting process.
    pub fn process(&self) -> Option<&'a Process> {
        self.fact.process.map(|id| self.history.process(id))
    }

    /// What the acting thread is after the event.
    pub fn attrs(&self) -> Option<Attrs> {
        self.fact.attrs.map(|id| self.history.attrs(id))
    }

    /// Image of the acting thread after the event.
    pub fn image(&self) -> Option<Image> {
        self.attrs().map(|attrs| self.history.image(attrs.image))
    }

    /// What the event's descriptor refers to.
    pub fn file(&self) -> Option<OpenFile> {
        self.fact.file.map(|id| self.history.file(id))
    }

    /// The names of what the event's descriptor refers to: much less to look at than [`View::file`].
    pub fn file_names(&self) -> Option<FileNames> {
        self.fact.file.map(|id| self.history.file_names(id))
    }

    /// Metadata of the acting thread's container, as of the event.
    pub fn container_metadata(&self) -> Option<&'a ContainerMetadata> {
        let id = self.attrs()?.container?;
        self.history.container(id).metadata_at(self.seq())
    }
}
