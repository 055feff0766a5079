#!/bin/sh
# A programmer searches her files.
# user: alice
set -eu
mkdir src && echo '# TODO' >src/notes.txt
grep -rl TODO src
find src -name '*.txt'
