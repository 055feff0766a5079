#!/usr/bin/env python3
"""Leaves of a recording (text notation, standard input) what a command did, and nothing that tells whose machine it was.

Usage: trim.py COMM [TEXT] < recording.trace > sample.trace

Kept are the recorder (the process called COMM with TEXT in its arguments) as a child of process 1, everything that it
started, and what the recorder says itself. The start state of all others, boot id, users but root, nobody and alice,
addresses but loopback and mounts are left out; the host is called lab.example.com, the cgroup is that of a session, or
of the container that something runs in. Events are numbered anew.
"""
import re
import sys

INIT = "thread 1 pid=1 sid=1 pgid=1 vpgid=1 vtid=1 vpid=1 comm=systemd exe=/sbin/init exepath=/usr/lib/systemd/systemd cwd=/ root=/ uid=0 gid=0 tty=0"
CGROUPS = 'cgroups=["=/user.slice/user-0.slice/session-1.scope"]'


def cgroups_of_a_session(line):
    """The cgroup of a session, and of what runs in a container the one of the container."""
    return re.sub(r'cgroups=\[[^\]]*\]', lambda found: found.group() if "/docker/" in found.group() else CGROUPS, line)


def value(line, key):
    found = re.search(rf"(?:^| ){key}=(\S+)", line)
    return found and found.group(1)


def start_state(line, recorders):
    """The line as it stays; None if it goes."""
    word = line.split()
    if word[0] == "machine":
        line = re.sub(r" boot_id=\S+", "", line)
        line = re.sub(r"hostname=\S+", "hostname=lab.example.com", line)
        return re.sub(r"(kernel=[\d.]+)\S*", r"\1", line)
    if word[0] in ("user", "group"):
        return line if word[2] in ("root", "nobody", "nogroup", "alice") else None
    if word[0] == "container":
        return line if "runtime=docker" in word else None
    if word[0] == "interface":
        return line if word[1] == "lo" else None
    if word[0] == "thread" and word[1] in recorders:
        line = re.sub(r"ptid=\d+", "ptid=1", line)
        return INIT + "\n" + cgroups_of_a_session(re.sub(r" env=\[[^\]]*\]", "", line))
    if word[0] == "fd" and word[1] in recorders and word[2] in ("0", "1", "2"):
        return " ".join(word[:3] + ["file", "/dev/null", "flags=O_RDWR"])
    return None


def main(comm, text="record"):
    lines = sys.stdin.read().splitlines()
    recorders = {l.split()[1] for l in lines if l.startswith("thread ") and value(l, "comm") == comm
                 and value(l, "pid") == l.split()[1] and text in l}
    # The command's own process is born of the recorder; births follow the parent's.
    kept, n, now = set(), 0, 0
    for line in lines:
        if line.startswith("#") or not line:
            print(line)
            continue
        if not line[0].isdigit():
            line = start_state(line, recorders)
            if line:
                print(line)
            continue
        _, time, rest = line.split(" ", 2)
        step = re.fullmatch(r"([+-])([\d.]+)(ns|us|ms|s|)", time)
        if step:
            unit = {"": 1, "ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}[step.group(3)]
            now += int(float(step.group(2)) * unit) * (1 if step.group(1) == "+" else -1)
        else:
            now = int(time)
        words = rest.split()
        tid, name = words[0], next(w for w in words[1:] if w[0] not in "@~")
        if name == "clone" and " res=0 " in rest and value(rest, "ptid") in kept | recorders and not value(rest, "ptid") == tid:
            kept.add(tid)
        is_described = name == "container" and '\\"image\\":\\"' in rest
        if tid in kept or tid == "-1" and (name in ("notification", "lost") or is_described):
            n += 1
            print(n, now, cgroups_of_a_session(rest))


main(*sys.argv[1:3])
