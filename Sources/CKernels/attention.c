// Attention by tiles of queries: a task holds the scores of a few queries against all keys, for one head, or for one
// head after another where their mean is wanted, so that no [N, L] map of a head is ever stored. In fixed point
// (attention_int16.c) keys and values are first packed into panels, head by head; in f32 (attention_f32.c) OpenBLAS
// packs them tile by tile, and tiles are larger.
#include "attention.h"

static void tile_task(void *context, size_t task, size_t thread) {
    const attention *a = context;
    size_t row = task % a->tiles * a->tile_rows, rows = dseg_least(a->tile_rows, a->q.rows - row);
    size_t head = task / a->tiles, end = a->mean ? a->heads : head + 1;
    float *scores = a->scores + thread * a->tile_floats;
    for (; head < end; head++)
        if (is_wanted(a, head)) (a->fixed ? dseg_attend_int16 : dseg_attend_f32)(a, head, row, rows, scores);
}

/// Rows of a tile. In fixed point its scores fill a quarter of the L2 cache, and the same rows of the mean another.
static size_t rows_of_a_tile(size_t keys, bool fixed) {
    size_t numbers = fixed ? 64 << 10 : 512 << 10, most = fixed ? 96 : dseg_tile_rows;
    return dseg_least(dseg_greatest(numbers / dseg_padded(keys) / 16 * 16, 16), most);
}

/// Lays out the scratch, if there is any yet, and returns how many floats it takes.
static size_t carve(attention *a, float *scratch) {
    size_t keys = a->k.rows, width = a->k.columns / a->heads;
    size_t key_floats = a->fixed ? a->heads * dseg_int16_keys_numbers(keys, width) : 0;
    size_t value_floats = a->fixed ? a->heads * dseg_int16_values_numbers(keys, width) : 0;
    a->width = width;
    a->tile_rows = rows_of_a_tile(keys, a->fixed);
    a->tiles = dseg_parts(a->q.rows, a->tile_rows);
    a->tile_floats = a->tile_rows * (scores_stride(keys) + (a->fixed ? dseg_int16_query_numbers(keys, width) : 0));
    if (scratch) {
        a->keys = scratch;
        a->values = scratch + key_floats;
        a->scores = scratch + key_floats + value_floats;
    }
    return key_floats + value_floats + dseg_threads() * a->tile_floats;
}

static void run(attention a, float *scratch) {
    carve(&a, scratch);
    if (a.fixed) dseg_parallel(a.heads, dseg_pack_int16_task, &a);
    dseg_parallel(a.tiles * (a.mean ? 1 : a.heads), tile_task, &a);
}

size_t dseg_attention_scratch(size_t keys, size_t columns, size_t heads) {
    attention a = {.k = {.rows = keys, .columns = columns}, .heads = heads}, fixed = a;
    fixed.fixed = true;
    return dseg_greatest(carve(&a, NULL), carve(&fixed, NULL));
}

void dseg_attention(dseg_matrix q, dseg_matrix k, dseg_matrix v, size_t heads, bool causal, dseg_matrix y,
                    const dseg_matrix *mean, const float *shares, bool fixed, float *scratch) {
    // Causal attention stays in f32: a column of quantized values has one scale for all keys, later ones included.
    run((attention){.q = q,
                    .k = k,
                    .v = v,
                    .y = y,
                    .heads = heads,
                    .causal = causal,
                    .mean = mean,
                    .shares = shares,
                    .fixed = fixed && !causal},
        scratch);
}

void dseg_attention_mean(dseg_matrix q, dseg_matrix k, size_t heads, dseg_matrix mean, const float *shares, bool fixed,
                         float *scratch) {
    run((attention){.q = q, .k = k, .heads = heads, .mean = &mean, .shares = shares, .fixed = fixed}, scratch);
}
