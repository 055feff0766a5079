#!/bin/sh
# socat waits for a connection and gives whoever comes a shell.
set -eu
socat TCP-LISTEN:41000,bind=127.0.0.1,reuseaddr EXEC:/bin/sh 2>/dev/null &
sleep 0.3
echo 'id -u' | socat -t 1 - TCP:127.0.0.1:41000
wait
