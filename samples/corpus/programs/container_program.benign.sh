#!/bin/sh
# A program of the image is executed in a container.
# container: web
set -eu
/usr/bin/id -u
