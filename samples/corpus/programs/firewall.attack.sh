#!/bin/sh
# All rules of the firewall are removed.
set -eu
iptables -F || true
