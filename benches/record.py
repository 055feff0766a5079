#!/usr/bin/env python3
"""What recording costs a workload, and the recorder: paired runs, with and without `record`, in turn.

Usage, as root: benches/record.py TRACEHOUND [ROUNDS]

CPU is user + system time of the workload, and of the recorder from when it is attached until the workload has ended.
Memory is what the recorder has at the end of the workload (RssAnon), and had at most until it ended itself (resident, as
wait4(2) tells it: the ring counts twice, for it is mapped twice), in MiB. The load on redis
needs Debian's redis-server and redis-tools, and is left out without.
"""

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TICK = os.sysconf("SC_CLK_TCK")


def run(command, **options):
    """CPU and wall seconds of a command with its children."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{command} ended with {status}")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - start


def build(folder):
    """A small cargo build from nothing."""
    target = os.path.join(folder, "target")
    shutil.rmtree(target, ignore_errors=True)
    crate = os.path.join(ROOT, "capture-ebpf", "layout")
    return run(["cargo", "build", "--offline", "-q"], cwd=crate, env=dict(os.environ, CARGO_TARGET_DIR=target))


def build_with_dependencies(folder):
    """A library with the crates, build scripts and macros that it needs."""
    target = os.path.join(folder, "target")
    shutil.rmtree(target, ignore_errors=True)
    return run(["cargo", "build", "--offline", "-q", "-p", "serde_json", "--target-dir", target], cwd=ROOT)


def redis(_):
    """A server and its clients: 50,000 requests each of SET and GET, 20 connections."""
    if not shutil.which("redis-server") or not shutil.which("redis-benchmark"):
        return None
    server = "redis-server --port 6399 --save '' --appendonly no --dir /tmp & sleep 1;"
    load = "redis-benchmark -p 6399 -n 50000 -c 20 -q -t set,get; redis-cli -p 6399 shutdown nosave; wait"
    return run(["sh", "-c", server + load])


WORKLOADS = {
    "500 execs": lambda _: run(["bash", "-c", "for ((i=0;i<500;i++)); do /bin/true; done"]),
    "30,000 opens": lambda _: run(["bash", "-c", "for ((i=0;i<30000;i++)); do : < /etc/hostname; done"]),
    "cargo build": build,
    "cargo build with dependencies": build_with_dependencies,
    "redis": redis,
}


def cpu_of(pid):
    """CPU seconds of a process so far."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def anonymous_of(pid):
    """RssAnon in MiB."""
    with open(f"/proc/{pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["RssAnon"].split()[0]) / 1024


def recorded(binary, workload, folder):
    """The workload's times under a recorder; the recorder's CPU, and what it says at its end."""
    trace = os.path.join(folder, "trace.trh")
    if os.path.exists(trace):
        os.remove(trace)
    recorder = subprocess.Popen([binary, "record", "-o", trace], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    # The start state is written once everything is attached.
    while not os.path.exists(trace) or os.path.getsize(trace) < 4096:
        if recorder.poll() is not None:
            sys.exit(recorder.communicate()[1].decode(errors="replace"))
        time.sleep(0.05)
    time.sleep(0.5)
    before = cpu_of(recorder.pid)
    times = workload(folder)
    time.sleep(0.3)
    after, anonymous = cpu_of(recorder.pid), anonymous_of(recorder.pid)
    recorder.send_signal(signal.SIGINT)
    said = recorder.stderr.read().decode(errors="replace").strip().splitlines()
    # What it does at its end, as rewriting a small trace, counts for the peak.
    _, recorder.returncode, usage = os.wait4(recorder.pid, 0)
    return times, after - before, (anonymous, usage.ru_maxrss / 1024), said[-1] if said else ""


def main():
    binary = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 9
    with tempfile.TemporaryDirectory() as folder:
        for name, workload in WORKLOADS.items():
            if workload(folder) is None:
                print(f"{name}: left out, its programs are not installed", flush=True)
                continue
            base, cpu, wall, own, anon, most = [], [], [], [], [], []
            for i in range(rounds):
                without = workload(folder) if i % 2 else None
                times, recorder_cpu, memory, said = recorded(binary, workload, folder)
                without = without or workload(folder)
                base.append(without[0])
                cpu.append(times[0] - without[0])
                wall.append(times[1] - without[1])
                own.append(recorder_cpu)
                anon.append(memory[0])
                most.append(memory[1])
            median = statistics.median
            print(
                f"{name}: {median(base):.2f} s CPU, recorded {100 * median(cpu) / median(base):+.1f} %"
                f" (wall {median(wall):+.2f} s), recorder {median(own):.2f} s,"
                f" {max(anon):.0f} MiB, at most {max(most):.0f}; last round {said}",
                flush=True,
            )


if __name__ == "__main__":
    main()
