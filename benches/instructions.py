#!/usr/bin/env python3
"""Counts the instructions of the stages on a committed sample and compares them with a committed baseline.

usage: benches/instructions.py [--update] [--rounds N]

Time on a shared machine varies by tens of percent, the number of instructions by tenths: a commit that costs more
than 3 % of a stage fails here. The sample is repeated to a trace long enough for the start of the program not to
count; stages are differences of runs. Needs valgrind and Python (standard library). Libraries choose code by what the
processor can do, and valgrind by its version which of that it shows them: a baseline of another compiler, processor,
C library or valgrind says nothing about the code. It is then reported and not judged.
"""
import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile

SAMPLE, COPIES = "samples/shell_in_container.trace", "400"
LIMIT = 0.03
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BASELINE = os.path.join(TOP, "benches", "instructions.json")


def count(command, rounds):
    """Fewest instructions of a few runs: threads that look for work add some."""
    counts = []
    for _ in range(rounds):
        valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command]
        run = subprocess.run(valgrind, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if run.returncode not in (0, 5):
            sys.exit(f"{' '.join(command)}: exit code {run.returncode}\n{run.stderr}")
        counts.append(int(re.search(r"Collected : (\d+)", run.stderr).group(1)))
    return min(counts)


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def machine():
    """All that changes counts without a change of the code."""
    with open("/proc/cpuinfo") as file:
        fields = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", file.read().split("\n\n")[0], re.MULTILINE))
    names = ("vendor_id", "cpu family", "model", "model name")
    return {
        "compiler": output("rustc", "--version"),
        "processor": " ".join(fields.get(name, "?") for name in names),
        "libc": " ".join(platform.libc_ver()),
        "valgrind": output("valgrind", "--version"),
    }


def measure(target, rounds):
    program, decode, repeat = (
        os.path.join(target, "release", name) for name in ("tracehound", "examples/decode", "examples/repeat")
    )
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "sample.trh")
        subprocess.run([repeat, os.path.join(TOP, SAMPLE), COPIES, trace], check=True)
        analyze = [program, "analyze", "-q", "-j", "1", "-f", "jsonl", "--allow-partial", trace]
        decoded = count([decode, trace], rounds)
        history = count(analyze, rounds)
        rules = count([*analyze, "-r", os.path.join(TOP, "rules")], rounds)
        tables = count([*analyze, "-o", os.path.join(folder, "out"), "--force"], rounds)
    return {"decode": decoded, "state": history - decoded, "rules": rules - history, "tables": tables - history}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="write the baseline instead of comparing with it")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    build = ["cargo", "build", "--release", "--quiet", "--package"]
    subprocess.run([*build, "tracehound"], cwd=TOP, check=True)
    subprocess.run([*build, "tracehound-formats", "--examples"], cwd=TOP, check=True)
    target = os.path.join(TOP, os.environ.get("CARGO_TARGET_DIR", "target"))
    found = {"machine": machine(), "instructions": measure(target, args.rounds)}
    if args.update:
        with open(BASELINE, "w") as file:
            json.dump(found, file, indent=2)
            file.write("\n")
    if not os.path.exists(BASELINE):
        # Nothing to compare with is said, not passed over.
        print(json.dumps(found, indent=2))
        print("no baseline (benches/instructions.json): not judged; --update writes one")
        return
    with open(BASELINE) as file:
        baseline = json.load(file)
    other = [name for name, here in found["machine"].items() if baseline["machine"].get(name) != here]
    costlier = []
    for stage, n in found["instructions"].items():
        before = baseline["instructions"][stage]
        change = n / before - 1
        print(f"{stage:8} {n:14,} instructions, {change:+.1%} against the baseline")
        if change > LIMIT:
            costlier.append(stage)
    if other:
        for name in other:
            print(f"{name}: baseline {baseline['machine'].get(name)}, here {found['machine'][name]}")
        print("=== SKIPPED: instruction counts of another machine than the baseline's: not judged")
    elif costlier:
        sys.exit(f"more than {LIMIT:.0%} costlier: {', '.join(costlier)}. If it is worth that: --update, and say why")


if __name__ == "__main__":
    main()
