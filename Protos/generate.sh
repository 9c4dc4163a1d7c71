#!/bin/sh
# Regenerates the C half of the messages: Protos/generate.sh [DIRECTORY]
#
# protobuf-c ends a `string` at its first NUL and reads its bytes unchecked, so the copy that it
# compiles says `bytes`: the same wire, but the length survives and RPC can refuse what is not
# UTF-8.
set -eu
protos=$(cd "$(dirname "$0")" && pwd)
out=${1:-$protos/../Sources/CMessages}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
for proto in health segmenter ttrpc; do
    sed -E 's/^( *(repeated )?)string /\1bytes /' "$protos/$proto.proto" > "$copy/$proto.proto"
done
mkdir -p "$out/include"
(cd "$copy" && protoc-c --c_out=. health.proto segmenter.proto ttrpc.proto)
mv "$copy"/*.pb-c.h "$out/include/"
mv "$copy"/*.pb-c.c "$out/"
