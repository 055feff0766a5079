#!/bin/sh
# The health check of a container runs a shell without a terminal.
# container: web
set -eu
/bin/sh -c 'test -e /etc/passwd'
