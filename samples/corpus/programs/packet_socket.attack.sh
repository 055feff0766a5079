#!/bin/sh
# A program listens to every packet of the machine.
set -eu
/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300)'
