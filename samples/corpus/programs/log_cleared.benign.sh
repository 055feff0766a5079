#!/bin/sh
# The logs are rotated.
set -eu
logrotate -f -s "$1/state" /srv/lab/logrotate.conf
