#!/bin/sh
# An empty folder is mounted over a process, so that no list shows it.
set -eu
sleep 1 &
mount --bind /mnt "/proc/$!"
umount "/proc/$!"
kill $!
