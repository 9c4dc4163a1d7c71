#!/usr/bin/env bash
# Usage: demo.sh PROGRAMS OUTPUT
# Starts the dsegd in the folder PROGRAMS with the embedded demo model, asks the dseg beside it for
# four labels in a picture, and leaves mask, overlay and heat maps in the folder OUTPUT, and a sheet:
# the picture, the overlay by the published maps, and the one by the default recipe. Then without words: what a caption
# of the picture says, and a mask of what it names.
set -euo pipefail

programs=$1
output=$2
picture=$(dirname "$0")/Fixtures/scenes/JPEGImages/scene_501_0003.jpg
words="cat, tree, pig, duck"

place=$(mktemp -d "${TMPDIR:-/tmp}/dseg-demo.XXXXXX")
socket=$place/dseg.sock
daemon=

stop() {
    local status=$?
    trap - EXIT
    if [ -n "$daemon" ] && kill -TERM "$daemon" 2> /dev/null; then
        wait "$daemon" || status=$?
        echo "demo: the daemon has stopped"
    fi
    if [ "$status" != 0 ]; then
        echo "demo: failed with $status; the daemon wrote:" >&2
        cat "$place/log" >&2 || true
    fi
    rm -rf "$place"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

XDG_CACHE_HOME=$place XDG_CONFIG_HOME=$place "$programs/dsegd" serve --socket "$socket" > "$place/log" 2>&1 &
daemon=$!

patience=$((SECONDS + 60))
until "$programs/dseg" status --socket "$socket" > "$place/status" 2>&1; do
    kill -0 "$daemon" 2> /dev/null || { wait "$daemon" || true; daemon=; exit 1; }
    [ "$SECONDS" -lt "$patience" ] || { echo "demo: no answer within a minute" >&2; exit 1; }
    sleep 0.1
done
cat "$place/status"

ask() {
    echo "demo: dseg mask $picture '$words' $*"
    "$programs/dseg" mask "$picture" "$words" "$@" --force --socket "$socket"
}

# column NAME < PICTURE: the picture in PPM, twice as large, with its name above
column() {
    pamenlarge -scale 2 > "$place/picture"
    pbmtext "$1" > "$place/name"
    pnmcat -white -topbottom "$place/name" "$place/picture"
}

name=$(basename "$picture" .jpg)
mkdir -p "$output" "$place/published"
ask --recipe diffsegmenter --overlay -o "$place/published"
ask --recipe best --overlay --heat -o "$output"
"$programs/dseg" words "$picture" --socket "$socket" | sed 's/^/demo: dseg words: /'
mkdir -p "$place/found"
"$programs/dseg" mask "$picture" --overlay -o "$place/found" --force --socket "$socket" \
    | sed 's/^/demo: dseg mask without words: /'
mv "$place/found/$name.overlay.png" "$output/$name.found.png"
jpegtopnm -quiet "$picture" | column picture > "$place/1"
pngtopnm -quiet "$place/published/$name.overlay.png" | column diffsegmenter > "$place/2"
pngtopnm -quiet "$output/$name.overlay.png" | column best > "$place/3"
pnmcat -white -leftright "$place"/[123] | pnmtopng -quiet > "$output/$name.sheet.png"
echo "demo: the pictures lie in $output:"
ls "$output"/*.png
