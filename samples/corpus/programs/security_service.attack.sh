#!/bin/sh
# The service that keeps the audit log is killed.
set -eu
pkill -x auditd || true
