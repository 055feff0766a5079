#!/bin/sh
# An unprivileged process waits for a timer through a descriptor.
# user: alice
set -eu
/usr/bin/perl -e 'syscall(283, 1, 0) >= 0 or die "timerfd_create: $!"'
