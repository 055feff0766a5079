#!/bin/sh
# The token by which a pod speaks to its cluster is read by cat.
# container: web
set -eu
cat /var/run/secrets/kubernetes.io/serviceaccount/token
