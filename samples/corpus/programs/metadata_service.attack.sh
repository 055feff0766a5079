#!/bin/sh
# The service that hands out credentials of a cloud machine is asked by curl.
# user: alice
set -eu
curl -s -m 0.3 http://169.254.169.254/latest/meta-data/iam/security-credentials/ || true
