#!/bin/sh
# A process in a container sets up io_uring, whose calls no filter sees.
# container: web
set -eu
/usr/bin/perl -e 'my $p = "\0" x 120; syscall(425, 8, $p) >= 0 or die "io_uring_setup: $!"'
