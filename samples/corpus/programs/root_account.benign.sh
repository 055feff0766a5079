#!/bin/sh
# An administrator makes an ordinary account and sets how long its password holds.
set -eu
useradd -m carol
chage -M 90 carol
chage -l carol
