#!/bin/sh
# A file is filled with zeros, as for a disk of a virtual machine.
set -eu
dd if=/dev/zero of=disk.img bs=512 count=1 2>/dev/null
