#!/usr/bin/env python3
"""`diff` of two sets of rules against two runs of `analyze`, interleaved; medians of wall, CPU and peak memory.

Usage: benches/diff.py PROGRAM BASE HEAD ROUNDS TRACE...
"""

import os
import statistics
import subprocess
import sys
import time


def run(*args: str) -> tuple[float, float, float]:
    """Wall and user + system time in seconds, peak resident memory in MiB."""
    start = time.monotonic()
    child = subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 5):
        raise SystemExit(f"{args}: exit code {child.returncode}")
    return time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    program, base, head, rounds, *traces = sys.argv[1:]
    for trace in traces:
        one, two, ratios = [], [], []
        for _ in range(int(rounds)):
            one.append(run(program, "diff", "-q", "--base", base, "--head", head, trace, "-f", "json"))
            sides = [run(program, "analyze", "-q", trace, "-r", side, "-f", "jsonl") for side in (base, head)]
            two.append((sides[0][0] + sides[1][0], sides[0][1] + sides[1][1], max(side[2] for side in sides)))
            ratios.append(one[-1][1] / two[-1][1])
        for name, rows in (("diff", one), ("two analyze", two)):
            wall, cpu, memory = (statistics.median(row[i] for row in rows) for i in range(3))
            print(f"{os.path.basename(trace)} {name}: wall {wall:.2f} s, CPU {cpu:.2f} s, peak {memory:.0f} MiB")
        low, *_, high = sorted(ratios)
        print(f"{os.path.basename(trace)} CPU ratio: median {statistics.median(ratios):.2f} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
