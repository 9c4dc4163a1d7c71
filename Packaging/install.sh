#!/usr/bin/env bash
# Usage: install.sh install|uninstall
# Puts programs, what they need, units, manual and completions in place, or takes away what it put there. One list
# serves both. `make install` sets the variables: DESTDIR, a folder in whose place the root directory stands; PROGRAMS,
# where the built programs lie; and the folders PREFIX, SYSCONFDIR, UNITS, USERUNITS, SYSUSERS and ZSHCOMPLETIONS.
set -euo pipefail
# Everybody may read what is installed, whoever installs it.
umask 022
cd "$(dirname "$0")/.."

action=$1
share=$PREFIX/share

# place MODE SOURCE TARGET
place() {
    case $action in
        install) install -D -m "$1" "$2" "$DESTDIR$3" ;;
        uninstall) rm -f "$DESTDIR$3" ;;
    esac
}

# place_output TARGET COMMAND...: what the command writes
place_output() {
    local target=$1
    shift
    case $action in
        install)
            install -d "$DESTDIR${target%/*}"
            "$@" > "$DESTDIR$target"
            chmod 644 "$DESTDIR$target"
            ;;
        uninstall) rm -f "$DESTDIR$target" ;;
    esac
}

# place_settings SOURCE TARGET: a file that people edit is neither overwritten nor removed.
place_settings() {
    local target=$DESTDIR$2
    case $action in
        install) [ -e "$target" ] || install -D -m 644 "$1" "$target" ;;
        uninstall)
            if cmp -s "$1" "$target"; then
                rm "$target"
            elif [ -e "$target" ]; then
                echo "uninstall: $target was edited, and stays"
            fi
            ;;
    esac
}

for program in dseg dsegd dseg-bench; do
    place 755 "$PROGRAMS/$program" "$PREFIX/bin/$program"
done

# Units name the programs where they are.
for unit in Systemd/dsegd.*; do
    place_output "$UNITS/${unit##*/}" sed "s|/usr/local/bin/|$PREFIX/bin/|" "$unit"
done
for unit in Systemd/user/dsegd.*; do
    place_output "$USERUNITS/${unit##*/}" sed "s|/usr/local/bin/|$PREFIX/bin/|" "$unit"
done
place 644 Systemd/sysusers.conf "$SYSUSERS/dseg.conf"
place_settings Packaging/dsegd.conf "$SYSCONFDIR/dseg/dsegd.conf"

for page in Packaging/man/*.[1-8]; do
    place 644 "$page" "$share/man/man${page##*.}/${page##*/}"
done
# completion PROGRAM SHELL: a file that shells read, and do not run
completion() {
    "$PROGRAMS/$1" --generate-completion-script "$2" | sed '1{/^#!/d}'
}

for program in dseg dsegd; do
    place_output "$share/bash-completion/completions/$program" completion $program bash
    place_output "$ZSHCOMPLETIONS/_$program" completion $program zsh
    place_output "$share/fish/vendor_completions.d/$program.fish" completion $program fish
done

for folder in Sources/*/Resources; do
    while read -r -d '' file; do
        place 644 "$folder/$file" "$share/dseg/$file"
    done < <(cd "$folder" && find . -type f -printf '%P\0')
done

# Folders that are dseg's alone; others are not ours to remove, even empty ones.
if [ "$action" = uninstall ]; then
    for folder in "$DESTDIR$share/dseg" "$DESTDIR$SYSCONFDIR/dseg"; do
        [ ! -d "$folder" ] || find "$folder" -depth -type d -exec rmdir --ignore-fail-on-non-empty {} +
    done
fi
