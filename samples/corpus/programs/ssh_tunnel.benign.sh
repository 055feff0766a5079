#!/bin/sh
# A login to another machine is tried.
# user: alice
set -eu
ssh -o BatchMode=yes -o ConnectTimeout=1 x@127.0.0.1 true 2>/dev/null || true
