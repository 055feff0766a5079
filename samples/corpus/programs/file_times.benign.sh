#!/bin/sh
# An archive is unpacked, and its files keep their times.
set -eu
mkdir in && echo text >in/file
tar -cf archive.tar in
rm -r in
tar -xpf archive.tar
