#!/bin/sh
# Credentials of a cloud and of a cluster are read by shell tools.
# user: alice
set -eu
cat "$HOME/.aws/credentials" "$HOME/.kube/config"
