#!/bin/sh
# The interfaces are listed, which takes another kind of socket.
set -eu
ip -br address
