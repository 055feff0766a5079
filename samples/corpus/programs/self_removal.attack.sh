#!/bin/sh
# A program removes the file it was started from.
set -eu
cp /bin/rm cleaner
./cleaner "$PWD/cleaner"
