#!/bin/sh
# A process in a container makes a named pipe.
# container: web
set -eu
mkfifo pipe
