#!/bin/sh
# An administrator makes a mount namespace for a program.
set -eu
unshare --mount true
