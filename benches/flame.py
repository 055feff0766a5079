#!/usr/bin/env python3
"""Flame graph of an analysis, and where its time goes by function.

usage: benches/flame.py [--seconds N] PROGRAM OUT.svg ARGUMENT...

Runs `PROGRAM analyze -q -j 1 -f jsonl --allow-partial ARGUMENT...` again and again for about N seconds (10) under `perf
record`, with call stacks by debug information (the release profile has it, and no frame pointers), and prints the functions
with most samples: of their own, and with what they call. The picture is of all threads, by what was running: reading and
replay are beside each other in time. Needs perf, `inferno-collapse-perf` and `inferno-flamegraph` (`cargo install inferno`;
INFERNO names their folder), Python (standard library).
"""
import argparse
import collections
import os
import subprocess
import sys
import tempfile
import time

TOP = 15


def tool(name):
    return os.path.join(os.environ.get("INFERNO", ""), name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("program")
    parser.add_argument("svg")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    command = [args.program, "analyze", "-q", "-j", "1", "-f", "jsonl", "--allow-partial", *args.arguments]
    folded = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "perf.data")
        record = ["perf", "record", "-q", "-F", "499", "--call-graph", "dwarf,16384", "-o", data, "--", *command]
        end = time.monotonic() + args.seconds
        while not folded or time.monotonic() < end:
            run = subprocess.run(record, stdout=subprocess.DEVNULL)
            if run.returncode not in (0, 5):
                sys.exit(f"{' '.join(record)}: exit code {run.returncode}")
            script = subprocess.run(["perf", "script", "--no-inline", "-i", data], capture_output=True, check=True)
            stacks = subprocess.run([tool("inferno-collapse-perf")], input=script.stdout, capture_output=True, check=True)
            for line in stacks.stdout.decode(errors="replace").splitlines():
                stack, n = line.rsplit(" ", 1)
                # The name of the program is the first frame.
                folded["analyze;" + stack.split(";", 1)[-1]] += int(n)
    lines = "".join(f"{stack} {n}\n" for stack, n in sorted(folded.items()))
    draw = [tool("inferno-flamegraph"), "--title", os.path.basename(args.svg), "--minwidth", "0.2"]
    svg = subprocess.run(draw, input=lines.encode(), capture_output=True, check=True)
    with open(args.svg, "wb") as file:
        file.write(svg.stdout)
    own, whole = collections.Counter(), collections.Counter()
    for stack, n in folded.items():
        frames = stack.split(";")
        own[frames[-1]] += n
        for frame in set(frames):
            whole[frame] += n
    total = sum(folded.values())
    for title, counts in [("of their own", own), ("with what they call", whole)]:
        print(f"{title}:")
        for name, n in counts.most_common(TOP if counts is own else 3 * TOP):
            print(f"  {n / total:6.1%} {name[:140]}")


if __name__ == "__main__":
    main()
