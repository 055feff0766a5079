#!/bin/sh
# pkexec is asked for its version.
# user: alice
set -eu
cp /bin/true pkexec
"$PWD/pkexec" --version
