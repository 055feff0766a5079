#!/bin/sh
# A script works in a folder that mktemp made, and runs nothing there.
set -eu
folder=$(mktemp -d)
echo 1 >"$folder/n"
rm -r "$folder"
