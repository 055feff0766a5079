"""Compares a recording with what the workload says it did."""

import json
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

RULES = Path(__file__).resolve().parent / "truth.yaml"
TICK_NS = 10_000_000
# How far a recorded start may be from the tick that the kernel shows in /proc: clocks are read one after the other.
SLACK_NS = 2_000_000


@dataclass
class Score:
    """How many of how many were right, by aspect; and what was wrong."""

    events: int = 0
    lost: int = 0
    reused: int = 0
    right: dict = field(default_factory=lambda: defaultdict(int))
    total: dict = field(default_factory=lambda: defaultdict(int))
    errors: list = field(default_factory=list)

    def check(self, aspect, what, found, expected):
        self.total[aspect] += 1
        if found == expected:
            self.right[aspect] += 1
        else:
            self.errors.append(f"{aspect}: {what}: recorded {found!r}, truth {expected!r}")

    def of(self, aspect):
        return f"{self.right[aspect]} of {self.total[aspect]}"

    @property
    def is_exact(self):
        return not self.errors and not self.lost


class Recording:
    """Signals of the rules in truth.yaml, by process."""

    def __init__(self, signals):
        self.signals = signals
        self._starts = defaultdict(set)
        for signal in signals:
            for pid, start in (signal["process"], parent_of(signal)):
                if pid is not None and start:
                    self._starts[pid].add(start)

    def find(self, pid, start_ns):
        """The recorded process of this number that started in this tick: (pid, start), or None."""
        near = [s for s in self._starts[pid] if start_ns - SLACK_NS <= s < start_ns + TICK_NS + SLACK_NS]
        return (pid, min(near, key=lambda s: abs(s - start_ns - TICK_NS // 2))) if near else None

    def by_process(self, rule):
        rows = defaultdict(list)
        for signal in self.signals:
            if signal["rule"] == rule:
                rows[signal["process"]].append(signal)
        return rows


def identity(key):
    """Number and start of a process from its stable key (docs/columns.md, `processes.process`).

    The key is `hHOST-PID-START` with the start in hexadecimal, or `sEVENT` where it is unknown or not distinct.
    """
    _, pid, start = key.split("-")
    return int(pid), None if start.startswith("s") else int(start, 16)


def parent_of(signal):
    return signal.get("proc.ppid"), signal.get("proc.ppid.ts")


def compare(tracehound, trace, truth):
    """The score of a trace (path) against the workload's truth (text)."""
    score = Score()
    lines = [line.split("\t") for line in truth.splitlines()]
    if not lines or lines[0][0] != "clock" or lines[-1] != ["done"]:
        score.errors.append("the workload did not finish")
        return score
    about = run(score, [tracehound, "info", "-f", "json", trace])
    output = run(score, [tracehound, "analyze", trace, "-r", RULES, "-f", "jsonl"])
    if not about or not output:
        return score
    about = json.loads(about)
    score.events = about["events"]
    score.lost = sum(loss["n_events"] or 0 for loss in about["losses"])
    if about["losses"] or about["damage"]:
        score.errors.append(f"losses {about['losses'][:3]}, damage {about['damage'][:3]}")
    signals = [json.loads(line) for line in output.splitlines()]
    recording = Recording(
        [dict(s["output_fields"], rule=s["rule"], process=identity(s["process"])) for s in signals if s["process"]]
    )
    boot_ns = int(lines[0][1])

    def found(pid, start):
        return recording.find(int(pid), boot_ns + int(start) * TICK_NS)

    births, ends, execs = (recording.by_process(rule) for rule in ("birth", "end", "exec"))
    opens, connects = recording.by_process("open"), recording.by_process("connect")
    claimed, numbers = {}, set()
    expected = {name: defaultdict(list) for name in ("exec", "open", "connect")}
    for kind, *words in lines[1:-1]:
        name, pid, start, *rest = words
        process = found(pid, start)
        what = f"{name}, process {pid} started at tick {start}"
        if kind == "process":
            score.reused += pid in numbers
            numbers.add(pid)
            parent, reaper, status = found(*rest[0:2]), found(*rest[2:4]), int(rest[4])
            birth = [parent_of(s) for s in births[process] if s["thread.tid"] == int(pid)]
            last = ends[process][-1] if ends[process] else {}
            # The status of a process is its leader's, unless a thread that lives longer ends the whole group. Threads
            # that were joined may still be on their way out when the leader is not any more.
            leader = next((s for s in ends[process] if s["thread.tid"] == int(pid)), last)
            statuses = {s.get("evt.rawarg.status") for s in (leader, last)}
            score.check("processes", what, (process is not None, claimed.setdefault(process, words)), (True, words))
            score.check("parents", what, birth, [parent])
            score.check("parents at the end", what, parent_of(last), reaper)
            score.check("exit codes", what, status if status in statuses else sorted(statuses, key=str), status)
        elif kind == "thread":
            tids = {s["thread.tid"] for s in births[process]} & {s["thread.tid"] for s in ends[process]}
            score.check("threads", what, int(rest[0]) in tids, True)
        else:
            expected[kind][pid, start].append((what, rest))
    for process, rows in expected["exec"].items():
        compare_lists(score, "programs", [executed(s) for s in execs[found(*process)]], [(w, wanted(r)) for w, r in rows])
    for process, rows in expected["open"].items():
        # The workload also opens what it needs to know the truth.
        paths = {path for _, (_, path) in rows}
        all_opens = [[str(s["evt.rawres"]), s["evt.rawarg.name"]] for s in opens[found(*process)]]
        compare_lists(score, "files", [row for row in all_opens if row[1] in paths], rows)
    for process, rows in expected["connect"].items():
        compare_lists(score, "connections", [[str(s["evt.rawres"]), remote(s)] for s in connects[found(*process)]], rows)
    return score


def compare_lists(score, aspect, found, expected):
    """Each of the expected ones counts; one too many is an error too."""
    for i, (what, row) in enumerate(expected):
        score.check(aspect, what, found[i] if i < len(found) else None, row)
    for row in found[len(expected) :]:
        score.check(aspect, expected[-1][0], row, None)


def wanted(row):
    result, file, image, *arguments = row
    if int(result):
        return [int(result), file]
    return [0, file, image, len(arguments) - 1, " ".join(arguments)]


def executed(signal):
    result, file = signal["evt.rawarg.res"], signal["evt.rawarg.filename"]
    if result:
        return [result, file]
    image = signal["proc.exepath"]
    # By descriptor: the name is that of the descriptor, and the memory file has none in the file system.
    if image.startswith("/memfd:"):
        file, image = "", image.removesuffix(" (deleted)")
    line = f"{signal['proc.exe']} {signal['proc.args']}"
    return [0, file, image, signal["proc.cmdnargs"], line]


def remote(signal):
    text = signal.get("evt.arg.tuple") or ""
    if "->" not in text:
        text = signal.get("evt.arg.addr") or ""
    text = text.rpartition("->")[2]
    return text[text.index("/") :] if "/" in text else text


def run(score, command):
    result = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if result.returncode not in (0, 5):
        words = " ".join(str(word) for word in command[1:])
        score.errors.append(f"`{words}` ends with {result.returncode}: {result.stderr.strip()[:500]}")
        return None
    return result.stdout
