#!/bin/sh
# A program is started with an installed library in front of all others, as for another allocator.
set -eu
LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libanswer.so.1 id -u
