#!/bin/sh
# The commands that somebody typed are read, for the passwords in them.
set -eu
cat /home/alice/.bash_history
