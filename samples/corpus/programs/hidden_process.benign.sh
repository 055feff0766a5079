#!/bin/sh
# An administrator mounts a file system in memory.
set -eu
mkdir there
mount -t tmpfs tmpfs there
umount there
