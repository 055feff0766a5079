//! The events of a window that rules are asked about, and its signals with the events they are about.

use tracehound_fields::View;
use tracehound_formats::Event;
use tracehound_formats::event::head_flags;
use tracehound_signals::Signal;

use crate::pipeline::Window;

/// True for events that rules are asked about.
pub fn is_asked(event: &Event<'_>) -> bool {
    event.head.flags & (head_flags::STATE_ONLY | head_flags::UNFINISHED) == 0
}

/// Calls a function with each event that rules are asked about.
pub fn each_event(window: &Window<'_>, mut f: impl FnMut(&View<'_>)) {
    for (batch, facts) in window.batches.iter().zip(window.facts) {
        for (event, fact) in batch.iter().zip(facts).filter(|(event, _)| is_asked(event)) {
            f(&View { event, fact, history: window.history, context: window.context });
        }
    }
}

/// Calls a function with each signal of a window and the event it is about.
pub fn each_signal(window: &Window<'_>, mut f: impl FnMut(&Signal, &View<'_>)) {
    let mut signals = window.signals.iter().peekable();
    if signals.peek().is_none() {
        return;
    }
    each_event(window, |view| {
        while let Some(signal) = signals.next_if(|signal| signal.seq == view.event.head.seq) {
            f(signal, view);
        }
    });
}
