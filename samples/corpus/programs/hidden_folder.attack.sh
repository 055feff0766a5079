#!/bin/sh
# A program is run from a hidden folder that everybody can write to.
set -eu
mkdir /tmp/.X12-unix
cp /usr/bin/id /tmp/.X12-unix/kworker
/tmp/.X12-unix/kworker
rm -r /tmp/.X12-unix
