// Shared by the files of attention: attention.c calls attention_f32.c and attention_int16.c.
#ifndef DSEG_ATTENTION_H
#define DSEG_ATTENTION_H

#include "internal.h"

/// The most rows of a tile.
enum { dseg_tile_rows = 128 };

typedef struct {
    dseg_matrix q, k, v, y;  // y.base NULL: no values wanted
    size_t heads, width;     // of a head
    size_t tiles, tile_rows, tile_floats;
    bool causal, fixed;
    const dseg_matrix *mean;
    const float *shares;            // of the heads in the mean
    float *keys, *values, *scores;  // scratch: in fixed point packed keys and values; a tile of scores for each thread
} attention;

/// Floats from one row of scores to the next, a cache line of padding included: rows a multiple of a page apart would
/// alias, that is share a few sets of the cache.
static inline size_t scores_stride(size_t keys) { return dseg_padded(keys) + dseg_panel_width; }

/// How much of a head's probabilities the mean gets, and whether the head is computed at all.
static inline float share_of(const attention *a, size_t head) { return a->mean ? a->shares[head] : 0.0f; }
static inline bool is_wanted(const attention *a, size_t head) { return a->y.base || share_of(a, head) != 0.0f; }

// ---- attention_f32.c --------------------------------------------------------------------------------------------

/// A head's output for some rows of queries; `scores` is a tile's scratch, [tile_floats].
void dseg_attend_f32(const attention *a, size_t head, size_t row, size_t rows, float *scores);

// ---- attention_int16.c ------------------------------------------------------------------------------------------

/// Packs a head's keys and values.
void dseg_pack_int16_task(void *context, size_t head, size_t thread);
/// dseg_attend_f32 in fixed point.
void dseg_attend_int16(const attention *a, size_t head, size_t row, size_t rows, float *scores);
/// Sizes in numbers of 4 bytes: of a head's packed keys, of its packed values, and of a query's scratch beside its
/// scores.
size_t dseg_int16_keys_numbers(size_t keys, size_t width);
size_t dseg_int16_values_numbers(size_t keys, size_t width);
size_t dseg_int16_query_numbers(size_t keys, size_t width);

#endif
