#!/bin/sh
# An administrator asks about the password of an account with the tools for that.
set -eu
passwd -S alice
chage -l alice
