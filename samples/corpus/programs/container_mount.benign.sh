#!/bin/sh
# A process in a container makes a folder and a link.
# container: web
set -eu
mkdir there
ln -s there here
