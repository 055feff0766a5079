#!/bin/sh
# A script that lists ways to become root is run.
# user: alice
set -eu
printf '#!/bin/sh\nid -u\n' >linpeas.sh
sh linpeas.sh
