#!/bin/sh
# A programmer compiles on the host.
# user: alice
set -eu
echo 'int main(void) { return 0; }' >x.c
gcc -c -o x.o x.c
