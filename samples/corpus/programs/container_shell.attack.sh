#!/bin/sh
# A person gets a shell with a terminal in a container.
# container: web
set -eu
/usr/bin/python3 -c 'import pty; pty.spawn(["/bin/bash", "--norc", "-c", "id -u"])'
