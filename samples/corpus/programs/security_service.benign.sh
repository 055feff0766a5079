#!/bin/sh
# Somebody looks whether the audit service runs, and ends a program of her own.
set -eu
pgrep -x auditd || true
pkill -x labtool || true
