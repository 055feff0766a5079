#!/bin/sh
# Everybody may become root, by a file that a shell writes.
set -eu
echo 'alice ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/90-cloud
