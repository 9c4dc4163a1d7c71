#!/bin/sh
# Regenerates the C half of the messages: Protos/generate.sh [DIRECTORY]
#
# protobuf-c makes a `string` a char * that ends at its first NUL, and does not check UTF-8. So it gets
# a copy of the files that says `bytes`: the same wire format, but RPC sees the length and the bytes.
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
