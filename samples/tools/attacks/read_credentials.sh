#!/bin/sh
# The password file is read by a program that has no business with it, and made available under another name.
# Usage: read_credentials.sh DIR
set -eu
cat /etc/shadow >/dev/null
ln -s /etc/shadow "$1/notes.txt"
/usr/bin/perl -e 'system("/bin/cat", "/etc/ssl/../../etc/shadow")' >/dev/null
