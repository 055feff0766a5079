#!/bin/sh
# The cache of libraries is made anew after an installation.
set -eu
ldconfig
