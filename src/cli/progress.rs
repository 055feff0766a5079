//! Progress of long work, on standard error.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracehound_formats::Progress;

use super::args::{Global, When};

/// A bar that follows a reader until it is dropped.
pub(super) struct Bar {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Bar {
    /// Starts a bar, or nothing if it is not wanted.
    pub(super) fn start(global: &Global, name: &str, total: u64, bytes: Arc<Progress>, events: Arc<AtomicU64>) -> Bar {
        let is_wanted = match global.progress {
            When::Always => true,
            When::Never => false,
            When::Auto => !global.quiet && std::io::stderr().is_terminal(),
        };
        let stop = Arc::new(AtomicBool::new(false));
        let thread = is_wanted.then(|| {
            let stop = Arc::clone(&stop);
            let name = name.to_owned();
            let always = global.progress == When::Always && !std::io::stderr().is_terminal();
            std::thread::spawn(move || run(&name, total, &bytes, &events, &stop, always))
        });
        Bar { stop, thread }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

fn run(name: &str, total: u64, bytes: &Progress, events: &AtomicU64, stop: &AtomicBool, is_plain: bool) {
    let start = Instant::now();
    let rate = |n: u64| (n as f64 / start.elapsed().as_secs_f64().max(1e-3)) as u64;
    if is_plain {
        // Standard error is a file: a line now and then instead of a bar that redraws itself.
        let mut printed = 0;
        loop {
            let is_done = stop.load(Ordering::Relaxed);
            let n = events.load(Ordering::Relaxed);
            if is_done || start.elapsed().as_secs() >= printed {
                printed = start.elapsed().as_secs() + 5;
                eprintln!(
                    "{name}: {} of {}, {} events, {} events/s",
                    HumanBytes(bytes.bytes().min(total)),
                    HumanBytes(total),
                    HumanCount(n),
                    HumanCount(rate(n))
                );
            }
            if is_done {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(200));
        }
    }
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {bytes}/{total_bytes} {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(name.to_owned());
    while !stop.load(Ordering::Relaxed) {
        let n = events.load(Ordering::Relaxed);
        bar.set_position(bytes.bytes().min(total));
        bar.set_message(format!("{} events, {} events/s", HumanCount(n), HumanCount(rate(n))));
        std::thread::park_timeout(Duration::from_millis(100));
    }
    bar.finish_and_clear();
}

/// A bar that counts things done until it is dropped.
pub(super) struct Count(Option<ProgressBar>);

impl Count {
    /// Starts a bar, or nothing if it is not wanted or there is one thing only.
    pub(super) fn start(global: &Global, what: &str, total: u64) -> Count {
        let is_wanted = match global.progress {
            When::Always => true,
            When::Never => false,
            When::Auto => !global.quiet && std::io::stderr().is_terminal(),
        };
        Count((is_wanted && total > 1).then(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(10));
            if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len}") {
                bar.set_style(style);
            }
            bar.set_prefix(what.to_owned());
            bar
        }))
    }

    /// Counts things that are done.
    pub(super) fn add(&self, n: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(n);
        }
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
