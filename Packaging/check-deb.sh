#!/usr/bin/env bash
# Has lintian look at the newest package in .build, installs it into a bare Debian 12 without systemd, and asks its
# programs there what only a whole installation answers. Then it is removed and purged. Root only; network.
set -euo pipefail
cd "$(dirname "$0")/.."

# In mounts of its own, which go when it ends.
[ -n "${DSEG_UNSHARED:-}" ] || exec unshare --mount env DSEG_UNSHARED=1 "$0"

tree=.build/check-deb
daemon=
stop() {
    status=$?
    trap - EXIT
    if [ -n "$daemon" ]; then kill "$daemon" 2> /dev/null || true; fi
    umount -q $tree/proc || true
    rm -rf --one-file-system $tree
    [ "$status" = 0 ] || echo "check-deb: failed with $status" >&2
    exit "$status"
}
trap stop EXIT

# Errors end it, warnings are shown.
lintian --allow-root --fail-on error "$(ls -t .build/dseg_*.deb | head -1)"
Packaging/debian.sh $tree ""
mount -t proc proc $tree/proc

inside=(chroot $tree /usr/bin/env -i PATH=/usr/bin:/usr/sbin HOME=/root)
picture=/usr/share/dseg/self-test/picture.png

"${inside[@]}" dseg --version
"${inside[@]}" dsegd --version
"${inside[@]}" getent group dseg
"${inside[@]}" dseg mask $picture "cat, tree" --no-daemon -o - > $tree/tmp/alone.png
"${inside[@]}" dsegd serve --socket /run/dseg.sock > $tree/tmp/log 2>&1 &
daemon=$!
for _ in $(seq 600); do
    [ ! -S $tree/run/dseg.sock ] || break
    kill -0 $daemon || { cat $tree/tmp/log >&2; exit 1; }
    sleep 0.1
done
"${inside[@]}" dseg mask $picture "cat, tree" --socket /run/dseg.sock -o - > $tree/tmp/asked.png
cmp $tree/tmp/alone.png $tree/tmp/asked.png
"${inside[@]}" dseg words $picture --socket /run/dseg.sock
kill $daemon
wait $daemon
daemon=

"${inside[@]}" dpkg --verify dseg
"${inside[@]}" dpkg --remove dseg
[ -e $tree/etc/dseg/dsegd.conf ] && [ ! -e $tree/usr/bin/dseg ]
"${inside[@]}" dpkg --purge dseg
left=$(cd $tree && find etc usr var -name '*dseg*' ! -path 'var/cache/apt/*' ! -path 'var/log/*')
[ -z "$left" ] || { echo "check-deb: purged, and left behind: $left" >&2; exit 1; }
echo "check-deb: dseg answers where it is installed, and goes without a trace"
