//! Exit codes: promises to scripts (`design`: 0 done, 1 findings, 2 usage, 3 rules, 4 input, 5 partial).

use std::process::ExitCode;

/// How a run ended. When several apply the order of precedence is: 3, 4, 1, 5, 0. A finding is a fact even on
/// partial evidence, so it wins over "partial"; that the evidence was partial is still printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Done.
    Done,
    /// Findings at or above `--fail-on`.
    Findings,
    /// The command line is wrong, or an output would be overwritten.
    Usage,
    /// Rules or suppressions do not load.
    Rules,
    /// Input cannot be read at all.
    Input,
    /// The input is truncated, corrupt or lossy; the results are flagged.
    Partial,
    /// The command that was recorded ended with this code.
    Command(u8),
}

impl Outcome {
    /// The code.
    pub(super) fn code(self) -> u8 {
        match self {
            Outcome::Done => 0,
            Outcome::Findings => 1,
            Outcome::Usage => 2,
            Outcome::Rules => 3,
            Outcome::Input => 4,
            Outcome::Partial => 5,
            Outcome::Command(code) => code,
        }
    }

    /// The one of two that the process reports.
    pub(super) fn and(self, other: Outcome) -> Outcome {
        let rank = |o: Outcome| match o {
            Outcome::Done => 0,
            Outcome::Partial => 1,
            Outcome::Findings => 2,
            Outcome::Input => 3,
            Outcome::Rules => 4,
            Outcome::Usage => 5,
            Outcome::Command(_) => 6,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        ExitCode::from(outcome.code())
    }
}

/// Why a verb stopped before its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// A wrong command line, or an output that exists.
    #[error("{0}")]
    Usage(String),
    /// Rules do not load; the diagnostics were printed.
    #[error("{0}")]
    Rules(String),
    /// Input that cannot be read.
    #[error("{path}: {error}")]
    Input {
        /// As it was typed.
        path: String,
        /// Why.
        error: tracehound_formats::OpenError,
    },
    /// Output that cannot be written.
    #[error("{path}: {error}")]
    Output {
        /// As it was typed.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// A table that cannot be written.
    #[error("table {table}: {error}")]
    Table {
        /// Name of the table.
        table: &'static str,
        /// Why.
        error: tracehound_report::TableError,
    },
    /// Recording is not possible here; the text says what is missing and what to do.
    #[cfg(all(target_os = "linux", feature = "capture"))]
    #[error("cannot record: {0}")]
    Record(tracehound_capture::StartError),
    /// The command to be recorded cannot be started.
    #[cfg(all(target_os = "linux", feature = "capture"))]
    #[error("{name}: {error}")]
    Command {
        /// As it was typed.
        name: String,
        /// Why.
        error: std::io::Error,
    },
    /// Whoever read our output went away; nothing is wrong.
    #[error("output closed")]
    ClosedPipe,
}

impl Failure {
    /// What the process reports. A failed output counts as usage: the place given cannot take it.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Failure::Usage(_) | Failure::Output { .. } | Failure::Table { .. } => Outcome::Usage,
            Failure::Rules(_) => Outcome::Rules,
            Failure::Input { .. } => Outcome::Input,
            #[cfg(all(target_os = "linux", feature = "capture"))]
            Failure::Record(_) => Outcome::Input,
            // As a shell and env do.
            #[cfg(all(target_os = "linux", feature = "capture"))]
            Failure::Command { error, .. } if error.kind() == std::io::ErrorKind::NotFound => Outcome::Command(127),
            #[cfg(all(target_os = "linux", feature = "capture"))]
            Failure::Command { .. } => Outcome::Command(126),
            Failure::ClosedPipe => Outcome::Done,
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure::ClosedPipe;
        }
        Failure::Output { path: "standard output".to_owned(), error }
    }
}
