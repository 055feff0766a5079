#!/bin/sh
# pkexec is started with an empty command line, as exploits of CVE-2021-4034 do.
# user: alice
set -eu
cp /bin/true pkexec
/srv/lab/no_arguments "$PWD/pkexec"
