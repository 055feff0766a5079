#!/bin/sh
# An exploit is compiled in the container where it is used.
# container: web
set -eu
echo 'int main(void) { return 0; }' >x.c
gcc -c -o x.o x.c
