#!/bin/sh
# A file is sent to a pipe with sendfile, and copied by cp.
# user: alice
set -eu
/usr/bin/python3 -c '
import os
r, w = os.pipe()
f = os.open("/etc/passwd", os.O_RDONLY)
os.sendfile(w, f, 0, 100)
'
cp /etc/passwd copy
