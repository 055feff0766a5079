#!/bin/sh
# A disk is overwritten with zeros (here a file in its place).
set -eu
dd if=/dev/zero of=/dev/sdz bs=512 count=1 2>/dev/null
rm /dev/sdz
