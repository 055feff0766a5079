#!/bin/sh
# Two processes share data in shared memory.
set -eu
echo data >/dev/shm/exchange
cat /dev/shm/exchange
rm /dev/shm/exchange
