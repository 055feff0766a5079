#!/bin/sh
# The password hashes are copied away.
set -eu
cp /etc/shadow hashes
