#!/bin/sh
# Files that everybody may read are searched for.
# user: alice
set -eu
find . -name '*.conf' -perm -0004
