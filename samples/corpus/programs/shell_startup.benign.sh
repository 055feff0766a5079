#!/bin/sh
# An account is made, with the start-up files that every account has.
set -eu
useradd -m -s /bin/bash bob
