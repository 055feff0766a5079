#!/bin/sh
# An unprivileged process makes a user namespace by itself, as exploits do first.
# user: alice
set -eu
/usr/bin/perl -e 'syscall(272, 0x10000000) == 0 or die "unshare: $!"'
