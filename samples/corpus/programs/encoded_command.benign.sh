#!/bin/sh
# A picture that came by mail is decoded.
set -eu
echo aGVsbG8= >mail
base64 -d mail >picture
