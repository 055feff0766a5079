#!/bin/sh
# An administrator edits a rule of sudo with visudo, which calls the editor.
set -eu
cat >editor <<'X'
#!/bin/sh
for file; do :; done
echo 'alice ALL=(root) /usr/bin/systemctl restart nginx' >>"$file"
X
chmod 755 editor
EDITOR="$PWD/editor" VISUAL="$PWD/editor" visudo -f /etc/sudoers.d/80-operators
