#!/usr/bin/env python3
"""How long `tracehound test` takes over a corpus of 1,000 traces: first run, again, one rule edited, without a cache.

Usage: benches/suite.py [--binary target/release/tracehound] [--traces 1000] [--rounds 5]

The traces are copies of those in samples/, each with a host name of its own, so that no two have the same content.
Prints wall and user+system time, medians over the rounds, and the load of the machine.
"""

import argparse
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def generate(binary, folder, n):
    """Copies of the samples as text or native traces, as the originals are."""
    originals = sorted((ROOT / "samples").rglob("*.trace")) + sorted((ROOT / "samples").rglob("*.trh"))
    texts = []
    for i, original in enumerate(originals):
        text = folder / f"original{i}.txt"
        subprocess.run([binary, "convert", original, text, "--to", "text", "--allow-partial", "-q"], check=True)
        texts.append((original, text.read_text(errors="surrogateescape")))
        text.unlink()
    size = 0
    for i in range(n):
        original, text = texts[i % len(texts)]
        lines = text.split("\n")
        # After the first line, which is the format's; a trace without a machine gets one.
        at = next((k for k, line in enumerate(lines) if line.startswith("machine ")), None)
        name = f"hostname=copy{i}.example.com"
        if at is None:
            lines.insert(1, f"machine {name}")
        else:
            words = [word for word in lines[at].split(" ") if not word.startswith("hostname=")]
            lines[at] = " ".join([words[0], name] + words[1:])
        copy = folder / f"t{i:04}.trace"
        copy.write_text("\n".join(lines), errors="surrogateescape")
        if original.suffix == ".trh":
            native = copy.with_suffix(".trh")
            subprocess.run([binary, "convert", copy, native, "--allow-partial", "-q"], check=True)
            copy.unlink()
            copy = native
        size += copy.stat().st_size
    return size


def run(binary, suite, *args):
    """Wall and CPU seconds of a run; the result must be that everything is as expected, or partial."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run([binary, "test", suite, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 5):
        raise SystemExit(f"exit code {done.returncode}: {done.stdout[-2000:]!r} {done.stderr[-2000:]!r}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", default=ROOT / "target/release/tracehound")
    parser.add_argument("--traces", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    binary = pathlib.Path(options.binary).resolve()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        traces, rules, cache = folder / "traces", folder / "rules", folder / "cache"
        traces.mkdir()
        size = generate(binary, traces, options.traces)
        shutil.copytree(ROOT / "rules", rules)
        suite = folder / "suite.yaml"
        suite.write_text("suite: bench\nrules: [rules]\nunexpected: ignore\ntraces:\n- trace: traces\n")
        with_cache = ("--cache", cache)
        found = {}

        def measure(name, *args, prepare=lambda i: None):
            for i in range(options.rounds):
                prepare(i)
                found.setdefault(name, []).append(run(binary, suite, *args))

        def edit(kind):
            """Puts a condition that no trace meets beside one rule that asks for a kind of event."""

            def prepare(i):
                path = rules / "bench.yaml"
                path.write_text(
                    "- rule: Edited\n  desc: A rule that is edited again and again.\n"
                    f"  condition: evt.type = {kind} and proc.name = never{i}{kind}\n"
                    "  output: edited %proc.name\n  priority: NOTICE\n  tags: [T1059]\n"
                )

            return prepare

        measure("no cache", "--no-cache")
        measure("first run", *with_cache, prepare=lambda i: shutil.rmtree(cache, ignore_errors=True))
        measure("again", *with_cache)
        measure("a rule about execve edited", *with_cache, prepare=edit("execve"))
        measure("a rule about ptrace edited", *with_cache, prepare=edit("ptrace"))
        n_bytes = sum(path.stat().st_size for path in cache.iterdir())
        print(f"{options.traces} traces, {size} bytes; cache {n_bytes} bytes; load {os.getloadavg()[0]:.1f}, {os.cpu_count()} CPUs")
        print(f"{'':<30} {'wall s':>8} {'user+sys s':>11}   wall of each round")
        for name, times in found.items():
            wall, cpu = (statistics.median(part) for part in zip(*times))
            print(f"{name:<30} {wall:>8.2f} {cpu:>11.2f}   {' '.join(f'{wall:.2f}' for wall, _ in times)}")


if __name__ == "__main__":
    main()
