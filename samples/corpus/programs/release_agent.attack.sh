#!/bin/sh
# The program that the kernel runs when a cgroup is empty is set (here a file of that name).
# container: web
set -eu
mkdir group
echo /cmd >group/release_agent
