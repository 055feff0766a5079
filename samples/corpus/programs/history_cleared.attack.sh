#!/bin/sh
# What was typed is not remembered, and what was remembered is removed.
# user: alice
set -eu
HISTFILE=/dev/null bash -c 'true'
rm -f "$HOME/.bash_history"
ln -s /dev/null "$HOME/.bash_history"
