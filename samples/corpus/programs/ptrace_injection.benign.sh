#!/bin/sh
# A programmer traces her own program.
set -eu
strace -f -o trace.out /bin/true
