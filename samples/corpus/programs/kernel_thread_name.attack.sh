#!/bin/sh
# A process is called like a thread of the kernel, and another one calls itself so.
set -eu
bash -c 'exec -a "[kworker/0:0]" sleep 0.1'
/usr/bin/python3 -c 'import ctypes; ctypes.CDLL(None).prctl(15, b"kworker/0:1H")'
