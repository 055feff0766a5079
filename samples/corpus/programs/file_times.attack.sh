#!/bin/sh
# A changed program gets the times of another one.
set -eu
cp /bin/ls ls.new
touch -r /bin/ls ls.new
