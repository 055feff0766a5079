#!/bin/sh
# A copy of a shell is made that gives everybody the rights of root.
set -eu
cp /bin/bash /tmp/sh0
chown root:root /tmp/sh0
chmod u+s /tmp/sh0
rm /tmp/sh0
