#!/bin/sh
# The browser itself (a program of that name) reads the passwords it keeps.
# user: alice
set -eu
cp /usr/bin/perl "$1/firefox"
"$1/firefox" -e 'open(my $f, "<", "$ENV{HOME}/.mozilla/firefox/x1.default/logins.json") or die; <$f>'
