#!/bin/bash
# A harmless scenario for a recording: a shell whose streams are a connection to this machine itself, a file written
# and a program run below the temporary folder DIR. The listener types `id` and `exit`.
#
# Usage: loopback_shell.sh DIR PORT
set -eu
dir=$1
port=$2
mkdir -p "$dir"
cd "$dir"
/usr/bin/perl -MSocket -e '
    socket(my $s, PF_INET, SOCK_STREAM, 6) or die;
    setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
    bind($s, sockaddr_in($ARGV[0], INADDR_LOOPBACK)) or die;
    listen($s, 1) or die;
    open(my $f, ">", "ready") or die; close($f);
    accept(my $c, $s) or die;
    syswrite($c, "id -u\nexit\n");
    my $all = "";
    while (sysread($c, my $part, 4096)) { $all .= $part; }
    open(my $log, ">", "typed.log") or die; print $log $all; close($log);
' "$port" &
while [ ! -e ready ]; do sleep 0.05; done
/bin/bash -c "exec sh -i >& /dev/tcp/127.0.0.1/$port 0>&1"
wait
# Benign twin: output of a shell into a file and into a pipe.
/bin/sh -c 'ls -l > list.txt; sort list.txt | tail -n 1 > /dev/null'
cp /bin/true ./tool
./tool
rm -f ready typed.log list.txt tool
