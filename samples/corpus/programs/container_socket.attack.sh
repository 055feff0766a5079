#!/bin/sh
# A process in a container speaks to the socket of the container runtime.
# container: web
set -eu
/usr/bin/python3 - <<'X'
import os, socket
server = socket.socket(socket.AF_UNIX)
if os.path.exists("/run/docker.sock"):
    os.remove("/run/docker.sock")
server.bind("/run/docker.sock")
server.listen()
socket.socket(socket.AF_UNIX).connect("/run/docker.sock")
X
