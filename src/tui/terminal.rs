//! The terminal: set up, the loop of keys and drawings, and left as it was found, however this ends.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{self, Event, KeyEventKind};
use tracehound_signals::SignalId;
use tracehound_state::ProcessId;

use crate::app::{App, Effect};
use crate::view;

/// How long keys are waited for before it is looked whether the process is asked to end.
const TICK: Duration = Duration::from_millis(100);

/// What the interface needs of the program around it.
pub trait Host {
    /// The processes that a query matches, as of an event; or what is wrong with it.
    fn query(&mut self, query: &str, app: &App<'_>) -> Result<Vec<ProcessId>, String>;

    /// Writes suppressions for signals to a file that does not exist yet. Gives what to say of it.
    fn write(&mut self, path: &str, signals: &[SignalId]) -> Result<String, String>;
}

/// Puts the terminal back, also when a panic or an error leaves the loop.
struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

/// How long the loop has to end after a signal asked it to.
const PATIENCE: Duration = Duration::from_millis(1000);

/// Ends the process when a signal asks for it and the loop does not: once its terminal is gone, crossterm reads the end
/// of the input over and over and never comes back.
fn watch(asked_to_end: Arc<AtomicUsize>) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(TICK);
            let signal = asked_to_end.load(Ordering::Relaxed);
            if signal != 0 {
                std::thread::sleep(PATIENCE);
                ratatui::restore();
                std::process::exit(128 + signal as i32);
            }
        }
    });
}

/// Shows the interface until it is left. Gives the number of the signal that ended it (SIGTERM, SIGHUP, SIGINT), if one
/// did. A panic puts the terminal back before it is reported.
pub fn run(app: &mut App<'_>, host: &mut dyn Host) -> io::Result<Option<i32>> {
    let asked_to_end = Arc::new(AtomicUsize::new(0));
    #[cfg(unix)]
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP, signal_hook::consts::SIGINT] {
        signal_hook::flag::register_usize(signal, Arc::clone(&asked_to_end), signal as usize)?;
    }
    watch(Arc::clone(&asked_to_end));
    // From here on the terminal is put back.
    let _restore = Restore;
    let mut terminal = ratatui::try_init()?;
    terminal.draw(|frame| view::draw(frame, app))?;
    loop {
        let signal = asked_to_end.load(Ordering::Relaxed);
        if signal != 0 {
            return Ok(Some(signal as i32));
        }
        if !event::poll(TICK)? {
            continue;
        }
        let effect = match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => app.key(key),
            // Whatever else there is, a resize for one, is drawn.
            _ => None,
        };
        // What takes long says so before it begins.
        terminal.draw(|frame| view::draw(frame, app))?;
        match effect {
            None => continue,
            Some(Effect::Quit) => return Ok(None),
            Some(Effect::Copy(text)) => crossterm::execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))?,
            Some(Effect::Query(query)) => {
                let found = host.query(&query, app);
                app.filtered(&query, found);
            }
            Some(Effect::Write { path, signals }) => {
                let outcome = host.write(&path, &signals);
                app.written(&signals, outcome);
            }
        }
        terminal.draw(|frame| view::draw(frame, app))?;
    }
}
