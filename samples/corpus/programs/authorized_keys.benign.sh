#!/bin/sh
# alice adds a key with an editor.
# user: alice
set -eu
printf 'a\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample phone@example.com\n.\nw\nq\n' | ed -s "$HOME/.ssh/authorized_keys"
