#!/usr/bin/env bash
# Usage: deb.sh PROGRAMS
# Makes a Debian package, .build/dseg_VERSION_ARCHITECTURE.deb, of the built programs in the folder PROGRAMS. It depends
# on what this machine's libraries are called. The same programs and commit give the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

programs=$(realpath "$1")
tree=.build/deb/dseg
rm -rf .build/deb
mkdir -p $tree/DEBIAN .build/deb/debian
umask 022

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2> /dev/null || date +%s)}
export SOURCE_DATE_EPOCH
# Debian's systemd has its units in /lib, which is /usr/lib, but for dpkg another name.
make --no-print-directory install DESTDIR="$PWD/$tree" PREFIX=/usr SYSCONFDIR=/etc UNITS=/lib/systemd/system \
    USERUNITS=/usr/lib/systemd/user SYSUSERS=/usr/lib/sysusers.d \
    ZSHCOMPLETIONS=/usr/share/zsh/vendor-completions PROGRAMS="$programs"
strip --strip-unneeded $tree/usr/bin/*
gzip -9n $tree/usr/share/man/man*/*

version=$($tree/usr/bin/dseg --version)-1
architecture=$(dpkg --print-architecture)
maintainer="${DEBFULLNAME:-dseg authors} <${DEBEMAIL:-$(git config user.email || echo "root@$(hostname -f)")}>"

documents=$tree/usr/share/doc/dseg
install -d $documents
gzip -9nc .github/CHANGELOG.md > $documents/changelog.gz
gzip -9nc > $documents/changelog.Debian.gz << END
dseg ($version) unstable; urgency=medium

  * Packaged as it is.

 -- $maintainer  $(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")
END
# The notices are LICENSE's own words, a paragraph's lines indented, its empty lines a full stop.
notice() {
    sed -n "/$1/,/SOFTWARE\.$/p" LICENSE | sed 's/^   */ /; s/^$/ ./'
}
{
    cat Packaging/deb/copyright
    echo "License: Expat"
    notice "Permission is hereby granted" | sed '/OTHER DEALINGS IN THE$/{n;q}'
    echo
    echo "License: BSD-like-ADE20K"
    sed -n '/Copyright (c) 2016 ADE20k/,$p' LICENSE | sed -n '/Permission/,/SOFTWARE\.$/p' | sed 's/^   */ /; s/^$/ ./'
} > $documents/copyright

# dpkg-shlibdeps wants a source package around it.
echo "Source: dseg" > .build/deb/debian/control
depends=$(cd .build/deb && dpkg-shlibdeps -O dseg/usr/bin/* | sed -n 's/^shlibs:Depends=//p')
sed -e "s|@VERSION@|$version|; s|@ARCHITECTURE@|$architecture|; s|@MAINTAINER@|$maintainer|" \
    -e "s|@SIZE@|$(du -k -s --exclude DEBIAN $tree | cut -f1)|; s|@DEPENDS@|$depends|" \
    Packaging/deb/control > $tree/DEBIAN/control
install -m 755 Packaging/deb/{postinst,prerm,postrm} $tree/DEBIAN
echo /etc/dseg/dsegd.conf > $tree/DEBIAN/conffiles
(cd $tree && find . -path ./DEBIAN -prune -o -type f ! -path './etc/*' -printf '%P\0' | sort -z | xargs -0 md5sum) \
    > $tree/DEBIAN/md5sums

dpkg-deb --root-owner-group -Zxz -z1 --build $tree ".build/dseg_${version}_$architecture.deb"
rm -r .build/deb
