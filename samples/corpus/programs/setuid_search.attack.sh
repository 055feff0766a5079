#!/bin/sh
# Programs that give the rights of root are searched for.
# user: alice
set -eu
find /usr/bin -perm -4000 -type f
