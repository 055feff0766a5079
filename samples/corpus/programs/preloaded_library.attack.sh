#!/bin/sh
# A program is started with a library from /tmp in front of all others.
set -eu
cp /srv/lab/libanswer.so /tmp/libanswer.so
LD_PRELOAD=/tmp/libanswer.so id -u
rm /tmp/libanswer.so
