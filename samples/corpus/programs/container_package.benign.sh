#!/bin/sh
# The packages of an image are listed.
# container: web
set -eu
dpkg -l >/dev/null
