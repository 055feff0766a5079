#!/bin/sh
# The program that lists who is logged in is replaced.
set -eu
cp /bin/true /usr/bin/w
