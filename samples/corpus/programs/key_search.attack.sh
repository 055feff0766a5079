#!/bin/sh
# Keys are searched for in all home folders.
set -eu
grep -rl 'PRIVATE KEY' /home || true
find /root /home -name id_rsa
