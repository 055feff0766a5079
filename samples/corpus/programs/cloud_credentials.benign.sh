#!/bin/sh
# The clients that they were made for (programs of that name) read them.
# user: alice
set -eu
cp /usr/bin/perl "$1/aws" && cp /usr/bin/perl "$1/kubectl"
"$1/aws" -e 'open(my $f, "<", "$ENV{HOME}/.aws/credentials") or die; <$f>'
"$1/kubectl" -e 'open(my $f, "<", "$ENV{HOME}/.kube/config") or die; <$f>'
