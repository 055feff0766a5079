#!/bin/sh
# A program with the arguments of a miner is run, and contacts a pool.
# user: alice
set -eu
cp /usr/bin/perl xmrig
"$PWD/xmrig" -e 'use Socket; socket(my $s, PF_INET, SOCK_STREAM | 2048, 6); connect($s, sockaddr_in(3333, inet_aton("198.51.100.7")));' stratum+tcp://pool.example.net:3333
