#!/bin/sh
# A port of another machine is led here, out of a closed network.
# user: alice
set -eu
ssh -o BatchMode=yes -o ConnectTimeout=1 -N -R 8080:127.0.0.1:22 x@127.0.0.1 2>/dev/null || true
