#!/bin/sh
# A program removes another file, with a copy of the same tool.
set -eu
cp /bin/rm cleaner
echo >old
./cleaner "$PWD/old"
