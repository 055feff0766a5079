#!/bin/sh
# A script of the inventory is run.
# user: alice
set -eu
printf '#!/bin/sh\nid -u\n' >inventory.sh
sh inventory.sh
