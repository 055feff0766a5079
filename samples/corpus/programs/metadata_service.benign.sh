#!/bin/sh
# A service of the own network is asked by curl.
# user: alice
set -eu
curl -s -m 0.3 http://10.0.0.5/status || true
