#!/usr/bin/env python3
"""Measures an analysis and its stages on traces: bare decode, history without rules, history and rules, tables.

usage: benches/run.py [-n ROUNDS] [-j N ...] [--rules FILE ...] [--before PROGRAM] [--long COPIES ... [--of TRACE]]
                      [--native] [--keep FOLDER] [TRACE...]

Each round runs every command once, so that what disturbs the machine disturbs all alike; medians are printed as
Markdown: wall time, user+sys CPU, CPU an event, events a second of CPU, peak memory. `--before` runs another build of the
program beside. With several `-j`, efficiency is the CPU time with the first number of workers over wall time x workers.
`--long` adds traces of so many copies of a trace one after the other, renumbered (111112 of the sample, or 19 of a capture of
a package build, for 10 million events). `--native` adds what `convert` makes of each capture. Made traces are put into a
temporary folder, or into that of `--keep`, from which a later run takes them.

Of the captures that Falco was measured on (`captures/README.md` of the reference data), and of traces named `server*` against
its load of redis and nginx, the last columns say how many times as much CPU and wall time Falco's replay takes an event with
the three official rule files. It is single-threaded, so that both are its CPU time; published medians, not measured in the
same run, so they say something about these three rule files only. Needs Python only (standard library).
"""
import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Seconds and events of Falco's replay, by the beginning of a trace's name.
FALCO = {"L2_build_pkgs": (1.8, 536_869), "L3_forkstorm": (3.4, 712_475), "server": (7.6, 7_060_000)}
WITH_RULES = "history and rules"


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
    parser.add_argument("-j", "--threads", type=int, nargs="*", default=[0])
    parser.add_argument("--rules", nargs="*", default=["rules"])
    parser.add_argument("--before", help="another build of the program, measured in the same rounds")
    parser.add_argument("--long", type=int, nargs="*", default=[], metavar="COPIES", help="add a trace repeated so often")
    parser.add_argument("--of", metavar="TRACE", help="what is repeated [default: a sample]")
    parser.add_argument("--native", action="store_true", help="add each capture as a native trace")
    parser.add_argument("--keep", metavar="FOLDER", help="where made traces stay")
    parser.add_argument("traces", nargs="*")
    args = parser.parse_args()
    build = ["cargo", "build", "--release", "--quiet", "--package"]
    subprocess.run(build + ["tracehound"], cwd=TOP, check=True)
    subprocess.run(build + ["tracehound-formats", "--examples"], cwd=TOP, check=True)
    target = os.path.join(TOP, os.environ.get("CARGO_TARGET_DIR", "target"), "release")
    tracehound = os.path.join(target, "tracehound")
    decode, repeat = (os.path.join(target, "examples", name) for name in ("decode", "repeat"))
    programs = {"": tracehound, **({"before: ": args.before} if args.before else {})}
    rules = [word for path in args.rules for word in ("-r", path)]
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=TOP, capture_output=True, text=True)
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{os.cpu_count()} CPUs, Linux {platform.release()}, load {load}, commit {commit.stdout.strip()}\n")
    print("| trace | events | stage | -j | wall s | CPU s | efficiency | CPU ns an event | events/s of CPU | peak MiB "
          "| Falco's CPU / ours | Falco's wall / ours |")
    print("|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        made = args.keep or folder
        long = []
        for copies in args.long:
            of = args.of or os.path.join(TOP, "samples", "shell_in_container.trace")
            path = os.path.join(made, f"{os.path.basename(of).split('.')[0]} x {copies}.trh")
            if not os.path.exists(path):
                subprocess.run([repeat, of, str(copies), path], check=True)
            long.append(path)
        traces = list(args.traces)
        for trace in args.traces if args.native else []:
            if not trace.endswith(".trh"):
                path = os.path.join(made, os.path.basename(trace).split(".")[0] + ".trh")
                if not os.path.exists(path):
                    subprocess.run([tracehound, "convert", "-q", "--allow-partial", trace, path], check=True)
                traces.append(path)
        for trace in [*traces, *long]:
            commands = {}
            if trace not in long:
                commands["bare decode", 1] = [decode, trace]
            for name, of in programs.items():
                for j in args.threads:
                    command = history(of, trace, j)
                    commands[f"{name}history, no rules", j] = command
                    commands[f"{name}{WITH_RULES}", j] = [*command, *rules]
                    if trace not in long:
                        tables = ["-o", os.path.join(folder, "tables"), "--events", "--force"]
                        commands[f"{name}history, tables, events", j] = [*command, *tables]
            measure_trace(args, trace, tracehound, commands)


def history(program, trace, threads):
    return [program, "analyze", trace, "-f", "jsonl", "-q", "--allow-partial", "-j", str(threads)]


def measure_trace(args, trace, tracehound, commands):
    info = subprocess.run([tracehound, "info", "-f", "json", "--allow-partial", trace], capture_output=True, check=True)
    events = json.loads(info.stdout)["events"]
    results = {key: [] for key in commands}
    for _ in range(args.rounds):
        for key, command in commands.items():
            results[key].append(measure(command))
    base = os.path.basename(trace)
    falco = next((s * events / n for name, (s, n) in FALCO.items() if base.startswith(name)), None)
    alone = {}
    for (name, j), runs in results.items():
        wall, cpu, memory = (statistics.median(run[i] for run in runs) for i in range(3))
        workers = j or os.cpu_count()
        efficiency = f"{alone.setdefault(name, cpu) / max(wall * workers, 1e-9):.2f}"
        ratios = "|  |  "
        if falco and name.endswith(WITH_RULES):
            ratios = f"| {falco / max(cpu, 1e-9):.1f} | {falco / max(wall, 1e-9):.1f} "
        print(
            f"| {base} | {events:,} | {name} | {j} | {wall:.3f} | {cpu:.3f} | {efficiency} | {cpu / events * 1e9:.1f} "
            f"| {events / max(cpu, 1e-9):,.0f} | {memory:,.0f} {ratios}|",
            flush=True,
        )


if __name__ == "__main__":
    main()
