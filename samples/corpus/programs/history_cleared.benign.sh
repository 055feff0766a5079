#!/bin/sh
# A shell ends and keeps its history.
# user: alice
set -eu
rm -f "$HOME/.other"
printf 'pwd\nexit\n' | bash --norc -i 2>/dev/null
