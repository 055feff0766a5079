#!/bin/sh
# A process writes into the memory of another one, by the call and by the file.
set -eu
sleep 5 &
/usr/bin/python3 - $! <<'X'
import ctypes, sys
libc, pid = ctypes.CDLL(None), int(sys.argv[1])
start = int(next(l for l in open(f"/proc/{pid}/maps") if "rw-p" in l).split("-")[0], 16)
class Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]
text = ctypes.create_string_buffer(8)
here, there = Part(ctypes.addressof(text), 8), Part(start, 8)
assert libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) == 8
assert libc.process_vm_writev(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) == 8
open(f"/proc/{pid}/mem", "r+b").close()
X
kill $!
