#!/bin/sh
# A key is added to those that may log in as alice.
# user: alice
set -eu
echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample x@example.net' >>"$HOME/.ssh/authorized_keys"
