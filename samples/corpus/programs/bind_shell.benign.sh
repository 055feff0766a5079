#!/bin/sh
# A health check asks whether a port is open.
set -eu
nc -z -w 1 127.0.0.1 41001 || true
