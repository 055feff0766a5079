#!/bin/sh
# An administrator sets a job of her own with crontab.
set -eu
echo '0 3 * * * /usr/bin/true' >jobs
crontab -u alice jobs
crontab -u alice -l
