#!/bin/sh
# A job computes, and asks a service of the own network.
# user: alice
set -eu
cp /usr/bin/perl compute
"$PWD/compute" -e 'use Socket; my $n = 0; $n += $_ for 1..1000; socket(my $s, PF_INET, SOCK_STREAM | 2048, 6); connect($s, sockaddr_in(3333, inet_aton("10.0.0.5")));'
