#!/bin/sh
# A process in a container speaks to the socket of its own service.
# container: web
set -eu
/usr/bin/python3 - <<'X'
import socket
server = socket.socket(socket.AF_UNIX)
server.bind("app.sock")
server.listen()
socket.socket(socket.AF_UNIX).connect("app.sock")
X
