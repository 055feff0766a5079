#!/bin/sh
# A shell reads its own history when it starts.
# user: alice
set -eu
printf 'history\nexit\n' | HISTFILE="$HOME/.bash_history" bash --norc -i 2>/dev/null
