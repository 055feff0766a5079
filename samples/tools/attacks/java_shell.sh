#!/bin/bash
# A process that is called java, with the arguments of a server, runs a shell: what is left of an exploited service.
# Usage: java_shell.sh DIR
set -eu
cp /usr/bin/perl "$1/java"
"$1/java" -e 'system("/bin/sh", "-c", "id -u; uname -s >/dev/null")' org.apache.zookeeper.server.quorum.QuorumPeerMain
