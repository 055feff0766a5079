#!/bin/sh
# The rules of the firewall are listed.
set -eu
iptables -n -L || true
