#ifndef DSEG_ARENA_H
#define DSEG_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

/// A bump allocator for one message while protobuf-c decodes or encodes it.
///
///   blocks ─► [link│.....used.....│ free ] ─► [link│....................] ─► NULL
///
/// Allocation moves a pointer; freeing a piece does nothing; dseg_arena_destroy frees all. As
/// nothing is reused, the budget bounds the time that a hostile message takes as well as its memory:
/// protobuf-c allocates up to 44 bytes for each byte of unknown fields, and merges a repeated
/// occurrence of a sub-message by copying it each time.
typedef struct dseg_arena {
    ProtobufCAllocator allocator;  // hands out this arena's memory, NULL past the budget
    struct dseg_arena_block *blocks;
    uint8_t *next;
    size_t left;     // bytes of the newest block
    size_t budget;   // bytes that may still be allocated
    bool exhausted;  // an allocation was refused
} dseg_arena;

/// NULL where the system has no memory.
dseg_arena *dseg_arena_create(size_t budget);
void dseg_arena_destroy(dseg_arena *arena);

/// `size` bytes aligned for any scalar, or NULL past the budget.
void *dseg_arena_allocate(dseg_arena *arena, size_t size);

/// protobuf-c's functions without its pointer casts; `message` is any generated struct.
/// dseg_unpack returns NULL for bytes that are not such a message, and past the budget.
void *dseg_unpack(dseg_arena *arena, const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes, size_t size);
size_t dseg_packed_size(const void *message);
size_t dseg_pack(const void *message, uint8_t *bytes);

#endif
