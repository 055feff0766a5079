#!/usr/bin/env python3
"""Measures the stages of the pipeline on captures: bare decode, history without rules, history and rules.

usage: benches/run.py [-n ROUNDS] [-j THREADS] [--rules FILE ...] TRACE...

Each round runs every command once, so that what disturbs the machine disturbs all alike; medians are printed as
Markdown: wall time, user+sys CPU, events a second of CPU, peak memory. Needs Python only (standard library).
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time


def measure(command):
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 5):
        sys.exit(f"{' '.join(command)}: exit code {code}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--rounds", type=int, default=5)
    parser.add_argument("-j", "--threads", type=int, default=0)
    parser.add_argument("--rules", nargs="*", default=["rules"])
    parser.add_argument("traces", nargs="+")
    args = parser.parse_args()
    top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    build = ["cargo", "build", "--release", "--quiet", "--package"]
    subprocess.run(build + ["tracehound"], cwd=top, check=True)
    subprocess.run(build + ["tracehound-formats", "--examples"], cwd=top, check=True)
    target = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(top, "target")), "release")
    tracehound = os.path.join(target, "tracehound")
    decode = os.path.join(target, "examples", "decode")
    rules = [word for path in args.rules for word in ("-r", path)]
    threads = ["-j", str(args.threads)]
    print("| trace | events | stage | wall s | CPU s | events/s of CPU | peak MiB |")
    print("|---|--:|---|--:|--:|--:|--:|")
    for trace in args.traces:
        info = subprocess.run([tracehound, "info", "-f", "json", "--allow-partial", trace], capture_output=True, check=True)
        events = json.loads(info.stdout)["events"]
        commands = {
            "bare decode": [decode, trace],
            "history, no rules": [tracehound, "analyze", trace, "-f", "jsonl", "-q", *threads],
            "history and rules": [tracehound, "analyze", trace, "-f", "jsonl", "-q", *threads, *rules],
        }
        results = {name: [] for name in commands}
        for _ in range(args.rounds):
            for name, command in commands.items():
                results[name].append(measure(command))
        for name, runs in results.items():
            wall, cpu, memory = (statistics.median(run[i] for run in runs) for i in range(3))
            rate = events / max(cpu, 1e-9)
            print(
                f"| {os.path.basename(trace)} | {events:,} | {name} | {wall:.3f} | {cpu:.3f} | {rate:,.0f} | {memory:,.0f} |"
            )


if __name__ == "__main__":
    main()
