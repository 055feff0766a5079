#!/usr/bin/env python3
"""Measures the stages of the pipeline on captures: bare decode, history without rules, history and rules, tables.

usage: benches/run.py [-n ROUNDS] [-j THREADS] [--rules FILE ...] [--before PROGRAM] [--long COPIES] [TRACE...]

Each round runs every command once, so that what disturbs the machine disturbs all alike; medians are printed as
Markdown: wall time, user+sys CPU, events a second of CPU, peak memory. `--before` runs another build of the program
beside, `--long` adds the history of a sample repeated so many times (111112 for 10 million events, in 2 MB of a
temporary folder). Needs Python only (standard library).
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
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
    parser.add_argument("--before", help="another build of the program, measured in the same rounds")
    parser.add_argument("--long", type=int, metavar="COPIES", help="add a sample repeated so many times")
    parser.add_argument("traces", nargs="*")
    args = parser.parse_args()
    top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    build = ["cargo", "build", "--release", "--quiet", "--package"]
    subprocess.run(build + ["tracehound"], cwd=top, check=True)
    subprocess.run(build + ["tracehound-formats", "--examples"], cwd=top, check=True)
    target = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(top, "target")), "release")
    tracehound = os.path.join(target, "tracehound")
    decode, repeat = (os.path.join(target, "examples", name) for name in ("decode", "repeat"))
    programs = {"": tracehound, **({"before: ": args.before} if args.before else {})}
    rules = [word for path in args.rules for word in ("-r", path)]
    threads = ["-j", str(args.threads)]
    print("| trace | events | stage | wall s | CPU s | events/s of CPU | peak MiB |")
    print("|---|--:|---|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        if args.long:
            long = os.path.join(folder, f"{args.long} copies.trh")
            sample = os.path.join(top, "samples", "shell_in_container.trace")
            subprocess.run([repeat, sample, str(args.long), long], check=True)
            commands = {f"{name}history, no rules": history(of, long, threads) for name, of in programs.items()}
            measure_trace(args, long, tracehound, commands)
        for trace in args.traces:
            commands = {"bare decode": [decode, trace]}
            for name, of in programs.items():
                commands[f"{name}history, no rules"] = history(of, trace, threads)
                commands[f"{name}history and rules"] = [*history(of, trace, threads), *rules]
                tables = ["-o", os.path.join(folder, "tables"), "--events", "--force"]
                commands[f"{name}history, tables, events"] = [*history(of, trace, threads), *tables]
            measure_trace(args, trace, tracehound, commands)


def history(program, trace, threads):
    return [program, "analyze", trace, "-f", "jsonl", "-q", "--allow-partial", *threads]


def measure_trace(args, trace, tracehound, commands):
    info = subprocess.run([tracehound, "info", "-f", "json", "--allow-partial", trace], capture_output=True, check=True)
    events = json.loads(info.stdout)["events"]
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
