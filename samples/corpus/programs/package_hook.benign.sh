#!/bin/sh
# The configuration of apt is printed.
set -eu
apt-config dump >/dev/null
