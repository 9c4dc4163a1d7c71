#ifndef DSEG_ARENA_H
#define DSEG_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

/* The memory of one message while protobuf-c reads or writes it.
 *
 *   blocks ─► [link│.....used.....│ free ] ─► [link│....................] ─► NULL
 *
 * Allocation moves a pointer; freeing one piece does nothing; dseg_arena_destroy frees all of
 * them. Because nothing is given back, the budget bounds the work of a hostile message as well as
 * its memory: protobuf-c keeps up to 44 bytes for each unknown byte, and merges a sub-message that
 * comes again by copying it anew each time. */
typedef struct dseg_arena {
    ProtobufCAllocator allocator; /* hands out this arena's memory, NULL past the budget */
    struct dseg_arena_block *blocks;
    uint8_t *next;
    size_t left;    /* bytes of the newest block */
    size_t budget;  /* bytes that may still be handed out */
    bool exhausted; /* an allocation was refused */
} dseg_arena;

/* NULL where the system has no memory. */
dseg_arena *dseg_arena_create(size_t budget);
void dseg_arena_destroy(dseg_arena *arena);

/* `size` bytes aligned for any scalar, or NULL past the budget. */
void *dseg_arena_allocate(dseg_arena *arena, size_t size);

/* Faces of protobuf-c's functions without its pointer casts; `message` is any generated one.
 * dseg_unpack returns NULL for bytes that are not such a message, and past the budget. */
void *dseg_unpack(dseg_arena *arena, const ProtobufCMessageDescriptor *descriptor,
                  const uint8_t *bytes, size_t size);
size_t dseg_packed_size(const void *message);
size_t dseg_pack(const void *message, uint8_t *bytes);

#endif
