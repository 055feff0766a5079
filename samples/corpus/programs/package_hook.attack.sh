#!/bin/sh
# A command that runs whenever packages are updated is added.
set -eu
echo 'APT::Update::Pre-Invoke {"/usr/bin/env true";};' >/etc/apt/apt.conf.d/99update
