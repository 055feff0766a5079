#!/bin/sh
# A program is run from shared memory, which is gone after a restart.
set -eu
cp /usr/bin/id /dev/shm/x
/dev/shm/x -u
rm /dev/shm/x
