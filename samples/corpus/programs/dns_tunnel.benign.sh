#!/bin/sh
# A name is asked for at the name server of the own network.
# user: alice
set -eu
/usr/bin/python3 -c '
import socket
question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + b"".join(bytes([len(p)]) + p for p in b"www.example.com".split(b".")) + b"\x00\x00\x10\x00\x01"
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(question, ("10.0.0.2", 53))
'
