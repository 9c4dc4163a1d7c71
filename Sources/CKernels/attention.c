// Attention by tiles of queries: a task holds the scores of a few queries against all keys, one head after another,
// so that no [N, L] map of a head is ever stored. Keys and values are first packed into panels, head by head, in f32
// (attention_f32.c) or in fixed point (attention_int16.c).
#include "attention.h"

static void tile_task(void *context, size_t task, size_t thread) {
    const attention *a = context;
    size_t row = task * a->tile_rows, rows = dseg_least(a->tile_rows, a->q.rows - row);
    float *scores = a->scores + thread * a->tile_floats;
    for (size_t head = 0; head < a->heads; head++)
        (a->fixed ? dseg_attend_int16 : dseg_attend_f32)(a, head, row, rows, scores);
}

static size_t largest(size_t a, size_t b) { return a > b ? a : b; }

/// Lays out the scratch, if there is any yet, and returns how many floats it takes.
static size_t carve(attention *a, float *scratch) {
    size_t keys = a->k.rows, width = a->k.columns / a->heads;
    size_t key_floats = a->heads * largest(padded(keys) * width, dseg_int16_keys_numbers(keys, width));
    size_t value_floats = a->heads * largest(keys * padded(width), dseg_int16_values_numbers(keys, width));
    a->width = width;
    a->tile_rows = rows_of_a_tile(keys);
    a->tile_floats = a->tile_rows * (scores_stride(keys) + dseg_int16_query_numbers(keys, width));
    if (scratch) {
        a->keys = scratch;
        a->values = scratch + key_floats;
        a->scores = scratch + key_floats + value_floats;
    }
    return key_floats + value_floats + dseg_threads() * a->tile_floats;
}

static void run(attention a, float *scratch) {
    carve(&a, scratch);
    a.share /= (float)a.heads;
    dseg_parallel(a.heads, a.fixed ? dseg_pack_int16_task : dseg_pack_f32_task, &a);
    dseg_parallel(dseg_parts(a.q.rows, a.tile_rows), tile_task, &a);
}

size_t dseg_attention_scratch(size_t keys, size_t columns, size_t heads) {
    return carve(&(attention){.k = {.rows = keys, .columns = columns}, .heads = heads}, NULL);
}

void dseg_attention(dseg_matrix q, dseg_matrix k, dseg_matrix v, size_t heads, bool causal, dseg_matrix y,
                    const dseg_matrix *mean, float share, bool fixed, float *scratch) {
    // Causal attention stays in f32: a column of quantized values has one scale for all keys, later ones included.
    run((attention){.q = q,
                    .k = k,
                    .v = v,
                    .y = y,
                    .heads = heads,
                    .causal = causal,
                    .mean = mean,
                    .share = share,
                    .fixed = fixed && !causal},
        scratch);
}

void dseg_attention_mean(dseg_matrix q, dseg_matrix k, size_t heads, dseg_matrix mean, float share, bool fixed,
                         float *scratch) {
    run((attention){.q = q, .k = k, .heads = heads, .mean = &mean, .share = share, .fixed = fixed}, scratch);
}
