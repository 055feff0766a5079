#!/bin/sh
# A login shell has a minus before its name, and a worker a name that says what it does.
set -eu
bash -c 'exec -a -bash bash -c true'
/usr/bin/python3 -c 'import ctypes; ctypes.CDLL(None).prctl(15, b"worker-1")'
