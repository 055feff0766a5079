#!/bin/sh
# A process in a container makes the node of a disk of the host and opens it.
# container: web
set -eu
mknod disk b 8 0
head -c 0 /dev/sda 2>/dev/null || true
