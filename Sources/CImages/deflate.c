#include "images.h"

#include <stdlib.h>

#include <zlib.h>

dseg_verdict dseg_deflate(const uint8_t *bytes, size_t count, dseg_bytes *packed) {
    uLongf room = compressBound(count);
    packed->base = malloc(room);
    if (packed->base == NULL) return DSEG_NO_MEMORY;
    packed->capacity = room;
    if (compress(packed->base, &room, bytes, count) != Z_OK) return DSEG_NO_MEMORY;
    packed->count = room;
    return DSEG_DONE;
}

size_t dseg_inflate(const uint8_t *packed, size_t count, uint8_t *bytes, size_t room) {
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)packed,
                       .avail_in = count < UINT32_MAX ? (uInt)count : UINT32_MAX,
                       .next_out = bytes,
                       .avail_out = (uInt)room};
    if (inflateInit(&stream) != Z_OK) return 0;
    inflate(&stream, Z_SYNC_FLUSH);
    inflateEnd(&stream);
    return room - stream.avail_out;
}

uint32_t dseg_crc(const uint8_t *bytes, size_t count) { return (uint32_t)crc32_z(0, bytes, count); }
