#!/usr/bin/env bash
# Usage: debian.sh TREE PACKAGES
# Makes the folder TREE a Debian 12 with what is essential, the PACKAGES (comma-separated, "" for none), and the newest
# dseg_*.deb of .build with what it depends on. Packages that were downloaded before are taken from .build/debian. Root
# only. Nothing is started inside.
set -euo pipefail
cd "$(dirname "$0")/.."

tree=$1
packages=$2
cache=$PWD/.build/debian
deb=$(ls -t .build/dseg_*.deb | head -1)
mkdir -p "$cache"
rm -rf "$tree"
mmdebstrap --variant=minbase ${packages:+--include="$packages"} --logfile=.build/debian.log \
    --skip=download/empty --skip=essential/unlink \
    --setup-hook="mkdir -p \"\$1/var/cache/apt/archives\"; cp $cache/*.deb \"\$1/var/cache/apt/archives\" || true" \
    --customize-hook="cp $deb \"\$1/tmp/dseg.deb\"" \
    --customize-hook='chroot "$1" apt-get install -q -y --no-install-recommends /tmp/dseg.deb' \
    --customize-hook="cp \"\$1\"/var/cache/apt/archives/*.deb $cache; rm \"\$1/tmp/dseg.deb\"" \
    bookworm "$tree" || { tail -20 .build/debian.log >&2; exit 1; }
