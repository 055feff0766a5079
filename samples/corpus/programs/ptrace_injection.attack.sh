#!/bin/sh
# A process attaches to another one and changes its memory.
set -eu
sleep 5 &
/usr/bin/python3 - $! <<'X'
import ctypes, os, sys
libc, pid = ctypes.CDLL(None, use_errno=True), int(sys.argv[1])
ptrace = libc.ptrace
ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
ptrace.restype = ctypes.c_long
assert ptrace(16, pid, None, None) == 0
os.waitpid(pid, 0x40000000)
start = int(next(l for l in open(f"/proc/{pid}/maps") if "rw-p" in l).split("-")[0], 16)
word = ptrace(1, pid, start, None)
assert ptrace(4, pid, start, word) == 0
ptrace(17, pid, None, None)
X
kill $!
