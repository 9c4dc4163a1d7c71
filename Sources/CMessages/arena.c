#include "arena.h"

#include <stdalign.h>
#include <stdlib.h>

struct dseg_arena_block {
    struct dseg_arena_block *older;
    alignas(max_align_t) uint8_t bytes[];
};

/// Most messages fit in one block of this size.
static const size_t block_size = 8 * 1024;

static void *allocate(void *arena, size_t size) { return dseg_arena_allocate(arena, size); }

/// Frees nothing: dseg_arena_destroy does.
static void leave(void *arena, void *piece) {
    (void)arena;
    (void)piece;
}

dseg_arena *dseg_arena_create(size_t budget) {
    dseg_arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL) return NULL;
    arena->allocator = (ProtobufCAllocator){.alloc = allocate, .free = leave, .allocator_data = arena};
    arena->budget = budget;
    return arena;
}

void dseg_arena_destroy(dseg_arena *arena) {
    for (struct dseg_arena_block *block = arena->blocks; block != NULL;) {
        struct dseg_arena_block *older = block->older;
        free(block);
        block = older;
    }
    free(arena);
}

/// Adds a block with room for `size` bytes, a multiple of the alignment.
static bool grow(dseg_arena *arena, size_t size) {
    size_t room = size > block_size ? size : block_size;
    if (room > SIZE_MAX - sizeof(struct dseg_arena_block)) return false;
    struct dseg_arena_block *block = malloc(sizeof *block + room);
    if (block == NULL) return false;
    block->older = arena->blocks;
    arena->blocks = block;
    arena->next = block->bytes;
    arena->left = room;
    return true;
}

void *dseg_arena_allocate(dseg_arena *arena, size_t size) {
    const size_t alignment = alignof(max_align_t);
    size_t rounded = SIZE_MAX;
    if (size <= SIZE_MAX - alignment) rounded = (size + alignment - 1) / alignment * alignment;
    if (rounded > arena->budget || (rounded > arena->left && !grow(arena, rounded))) {
        arena->exhausted = true;
        return NULL;
    }
    uint8_t *piece = arena->next;
    arena->next += rounded;
    arena->left -= rounded;
    arena->budget -= rounded;
    return piece;
}

void *dseg_unpack(dseg_arena *arena, const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size) {
    return protobuf_c_message_unpack(descriptor, &arena->allocator, size, bytes);
}

size_t dseg_packed_size(const void *message) { return protobuf_c_message_get_packed_size(message); }

size_t dseg_pack(const void *message, uint8_t *bytes) { return protobuf_c_message_pack(message, bytes); }
