#!/bin/sh
# An administrator looks at the rules of PAM and keeps a copy of them.
set -eu
grep -r pam_unix /etc/pam.d >/dev/null
cp -a /etc/pam.d backup
