//! What stands on a real terminal: the program under tmux, 80 and 200 columns wide.
//!
//! Skipped, visibly, where there is no tmux. Nothing here depends on timing: a screen is waited for until it shows what
//! it must, and only if it never does the test fails.

mod support;

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use support::folder;

const SHELL: &str = "samples/reverse_shell_redirect.trace";
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal with a shell command in it; gone when dropped.
struct Screen {
    socket: String,
}

impl Screen {
    /// Starts a command; `None`, said, without tmux. `env` is set for it, and nothing else of what decides how it looks.
    fn start(name: &str, columns: u16, rows: u16, env: &str, command: &str) -> Option<Screen> {
        let socket = format!("th-{name}-{}", std::process::id());
        let screen = Screen { socket };
        // The status stays when the command has ended, until the test has read it.
        let shell = format!(
            "env -u NO_COLOR -u LC_ALL -u LC_CTYPE TERM=tmux-256color {env} {command}; echo \"[ended $?]\"; read -r _"
        );
        let (x, y) = (columns.to_string(), rows.to_string());
        let tmux = screen.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", &x, "-y", &y, "sh", "-c", &shell]);
        match tmux {
            Ok(output) if output.status.success() => Some(screen),
            Ok(output) => panic!("tmux: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => {
                tracehound_skipped::skipped!("no tmux: {error}");
                None
            }
        }
    }

    fn tmux(&self, args: &[&str]) -> std::io::Result<Output> {
        Command::new("tmux").args(["-u", "-L", &self.socket]).args(args).env_remove("TMUX").output()
    }

    /// What stands on the screen; with `-e` as arguments with its colours.
    fn text(&self, args: &[&str]) -> String {
        let output = self.tmux(&[&["capture-pane", "-p", "-t", "0"], args].concat()).expect("tmux runs");
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned() + "\n"
    }

    /// Waits until the screen shows a text.
    #[track_caller]
    fn shows(&self, part: &str) -> String {
        let started = Instant::now();
        loop {
            let text = self.text(&[]);
            if text.contains(part) {
                return text;
            }
            assert!(started.elapsed() < PATIENCE, "{part:?} is not shown:\n{text}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn keys(&self, keys: &[&str]) {
        let output = self.tmux(&[&["send-keys", "-t", "0"], keys].concat()).expect("tmux runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]);
    }
}

fn program(args: &str) -> String {
    format!("'{}' {args}", env!("CARGO_BIN_EXE_tracehound"))
}

#[track_caller]
fn snapshot(name: &str, actual: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/terminal").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        std::fs::write(&path, actual).expect("it can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{name}; UPDATE_EXPECTED=1 writes it\n{actual}");
}

#[test]
fn screens() {
    let signal = "79530e4418351538";
    for (name, args) in [
        ("tree", format!("tree {SHELL} -r rules/")),
        ("tree_depth", format!("tree {SHELL} -r rules/ --depth 1")),
        ("tree_at", format!("tree {SHELL} -r rules/ --at 11:01:02")),
        ("timeline", format!("timeline {SHELL} -r rules/ --around {signal}")),
        ("analyze", format!("analyze {SHELL} -r rules/ >/dev/null")),
    ] {
        for columns in [80, 200] {
            let name = format!("{name}_{columns}");
            let Some(screen) = Screen::start(&name, columns, 50, "LANG=C.UTF-8", &program(&args)) else { return };
            let text = screen.shows("[ended 0]");
            assert!(!text.contains("panicked"), "{text}");
            snapshot(&name, &text);
        }
    }
}

#[test]
fn colour_and_characters() {
    let is_painted = |text: &str| text.contains("\x1b[");
    for (name, env, args, has_color, is_ascii) in [
        ("color", "LANG=C.UTF-8", "", true, false),
        ("no-color", "LANG=C.UTF-8 NO_COLOR=1", "", false, false),
        ("dumb", "LANG=C.UTF-8 TERM=dumb", "", false, false),
        ("never", "LANG=C.UTF-8", "--color never", false, false),
        ("always", "LANG=C.UTF-8 NO_COLOR=1", "--color always", true, false),
        ("ascii", "LANG=C", "", true, true),
        ("asked-for-ascii", "LANG=C.UTF-8", "--ascii", true, true),
    ] {
        // Without rules, whose loading is most of the time; what is painted then is bold and dim.
        for verb in ["tree", "timeline"] {
            let name = format!("{verb}-{name}");
            let command = program(&format!("{verb} {SHELL} {args}"));
            let Some(screen) = Screen::start(&name, 120, 50, env, &command) else { return };
            let text = screen.shows("[ended 0]");
            let painted = screen.text(&["-e"]);
            assert_eq!(is_painted(&painted), has_color, "{name}: {}", painted.escape_debug());
            assert_eq!(text.is_ascii(), is_ascii, "{name}: {text}");
        }
    }
}

#[test]
fn the_interface() {
    let folder = folder("terminal-tui");
    let draft = folder.join("draft.yaml");
    let draft = draft.to_str().expect("UTF-8");
    let command = program(&format!("tui {SHELL} -r rules/"));
    for (columns, rows) in [(80, 24), (200, 50)] {
        let Some(screen) = Screen::start(&format!("tui{columns}"), columns, rows, "LANG=C.UTF-8", &command) else {
            return;
        };
        screen.shows("? lists the keys");
        screen.keys(&["2", "y"]);
        screen.shows("sent to the clipboard");
        // A resize redraws everything.
        screen.tmux(&["resize-window", "-t", "0", "-x", "100", "-y", "30"]).expect("tmux runs");
        screen.keys(&["t"]);
        screen.shows("as of 11:01:00.046");
        screen.keys(&["m", "w"]);
        screen.shows("suppressions-draft.yaml");
        screen.keys(&["C-u"]);
        screen.keys(&["-l", draft]);
        screen.keys(&["Enter"]);
        // The first time it is written, the second time it is not replaced.
        screen.shows(if columns == 80 { "drafted" } else { "exists" });
        screen.keys(&["q"]);
        if columns == 200 {
            screen.shows("not written");
            screen.keys(&["q"]);
        }
        let text = screen.shows("[ended 0]");
        assert!(!text.contains("processes"), "the terminal is as it was before: {text}");
    }
    let written = std::fs::read_to_string(draft).expect("it was written");
    assert!(written.contains("suppressions:\n") && written.contains("rule_query"), "{written}");
}

#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    let pid_file = folder("terminal-term").join("pid");
    let pid_file = pid_file.to_str().expect("UTF-8");
    // exec: the shell's number is the program's.
    let command = format!("sh -c 'echo $$ >\"{pid_file}\"; exec {} tui {SHELL}'", env!("CARGO_BIN_EXE_tracehound"));
    let Some(screen) = Screen::start("term", 80, 24, "LANG=C.UTF-8", &command) else { return };
    screen.shows("? lists the keys");
    let pid = std::fs::read_to_string(pid_file).expect("the shell wrote it");
    let killed = Command::new("kill").args(["-TERM", pid.trim()]).status().expect("kill runs");
    assert!(killed.success());
    screen.shows("[ended 143]");
    // The shell's line is read with echo again.
    screen.keys(&["-l", "typed"]);
    screen.shows("typed");
}

/// A terminal that is closed takes the interface with it, and leaves nothing that runs on without one.
#[test]
fn a_closed_terminal_ends_the_interface() {
    let pid_file = folder("terminal-closed").join("pid");
    let pid_file = pid_file.to_str().expect("UTF-8");
    let command = format!("sh -c 'echo $$ >\"{pid_file}\"; exec {} tui {SHELL}'", env!("CARGO_BIN_EXE_tracehound"));
    let Some(screen) = Screen::start("closed", 80, 24, "LANG=C.UTF-8", &command) else { return };
    screen.shows("? lists the keys");
    let pid = std::fs::read_to_string(pid_file).expect("the shell wrote it");
    drop(screen);
    let started = Instant::now();
    while Command::new("kill")
        .args(["-0", pid.trim()])
        .stderr(std::process::Stdio::null())
        .status()
        .expect("kill runs")
        .success()
    {
        assert!(started.elapsed() < PATIENCE, "it runs on");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The commands of `docs/terminal.md` print what stands below them there.
#[test]
fn the_guide_shows_what_is_printed() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/terminal.md");
    let guide = std::fs::read_to_string(&path).expect("the guide");
    let mut actual = String::new();
    let mut rest = guide.as_str();
    while let Some((before, command, after)) = next_command(rest) {
        let end = after.find("```").expect("the end of a block");
        actual.push_str(before);
        actual.push_str(&format!("$ tracehound {command}\n"));
        let (args, is_silent) = command.strip_suffix(" >/dev/null").map_or((command, false), |args| (args, true));
        if args.contains('|') {
            actual.push_str(&after[..end]);
        } else {
            let run = support::run(args.split_whitespace()).expect(0);
            actual.push_str(if is_silent { "" } else { run.text() });
            actual.push_str(&run.stderr);
        }
        rest = &after[end..];
    }
    actual.push_str(rest);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, &actual).expect("it can be written");
    }
    assert!(actual.matches("$ tracehound ").count() > 4, "commands are found");
    assert_eq!(actual, guide, "docs/terminal.md; UPDATE_EXPECTED=1 writes it");
}

/// The text before a command, the command's arguments, and the text after its line.
fn next_command(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("$ tracehound ")?;
    let (command, after) = rest.split_once('\n')?;
    Some((before, command, after))
}
