#!/bin/sh
# A page of a PHP server answers, without running anything.
set -eu
cat >index.php <<'X'
<?php echo strlen($_GET["c"]), "\n"; ?>
X
php -n -S 127.0.0.1:41003 -t . >/dev/null 2>&1 &
sleep 0.5
curl -s 'http://127.0.0.1:41003/index.php?c=id;uname%20-s'
kill $!
