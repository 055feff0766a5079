#!/bin/sh
# A process reads the memory of another one, as a profiler does.
set -eu
sleep 5 &
/usr/bin/python3 - $! <<'X'
import sys
pid = int(sys.argv[1])
start = int(next(l for l in open(f"/proc/{pid}/maps") if "rw-p" in l).split("-")[0], 16)
with open(f"/proc/{pid}/mem", "rb") as memory:
    memory.seek(start)
    memory.read(8)
X
kill $!
