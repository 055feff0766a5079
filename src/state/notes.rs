//! What a replay found contradictory or had to guess, counted.

/// Counts of contradictions and guesses. Zero everywhere on a complete trace with a process snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayNotes {
    /// Events replayed.
    pub n_events: u64,
    /// Events whose number was not higher than the one before; they were replayed as if it were.
    pub n_seq_backwards: u64,
    /// System calls that had not returned when the trace ended.
    pub n_unfinished: u64,
    /// Threads first seen doing something, their birth not being recorded.
    pub n_first_seen_threads: u64,
    /// Threads named as a parent or leader that were never seen otherwise.
    pub n_named_only: u64,
    /// Exits of threads that were not known.
    pub n_exits_of_unknown: u64,
    /// Threads whose id was used again although their exit was not recorded.
    pub n_lost_exits: u64,
    /// Of these, processes: a pid used again without an exit.
    pub n_pid_reuse_without_exit: u64,
    /// Threads guessed to be processes that turned out to be threads.
    pub n_merged: u64,
    /// Births known only from the parent's event.
    pub n_births_without_child_event: u64,
    /// Exec events whose process id contradicts what was known of the thread.
    pub n_exec_contradictions: u64,
    /// Processes said to be their own ancestor.
    pub n_parent_cycles: u64,
    /// Entries of a snapshot for a thread that the snapshot had already listed.
    pub n_duplicate_threads: u64,
    /// Descriptors of a snapshot whose thread the snapshot does not list.
    pub n_orphan_fds: u64,
    /// Descriptors received over a socket: they exist, and nothing else is known of them.
    pub n_received_fds: u64,
    /// Times a descriptor table, or the children of a process, were not copied or listed because the work would
    /// have been out of proportion to the length of the trace. Only a made-up trace gets there.
    pub n_out_of_budget: u64,
    /// Container descriptions that are not the JSON they should be.
    pub n_bad_container_json: u64,
}
