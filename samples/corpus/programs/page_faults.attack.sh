#!/bin/sh
# An unprivileged process handles faults of pages itself, with which exploits stop the kernel.
# user: alice
set -eu
/usr/bin/perl -e 'syscall(323, 1) >= 0 or die "userfaultfd: $!"'
