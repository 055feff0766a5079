#!/bin/sh
# A file that is no device is hidden below /dev.
# Usage: write_below_dev.sh DIR
set -eu
echo hidden > /dev/.tracehound-sample
rm /dev/.tracehound-sample
