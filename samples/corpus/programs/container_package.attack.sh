#!/bin/sh
# A package manager is told to install something in a running container.
# container: web
set -eu
apt-get install -y --no-download ncat >/dev/null 2>&1 || true
