// Attention by tiles of queries: a task holds the scores of a few queries against all keys, one head after another,
// so that no [N, L] map of a head is ever stored. Keys and values are first packed into panels, head by head:
//
//     keys    [L / 16][width, 16]     scores = q k^T, sixteen keys at a time
//     values  [width / 16][L, 16]     y = p v, sixteen columns at a time
//
// In fixed point (attention_fixed.c) both are pairs of integers, with a scale for each key and each column of values.
#include "attention.h"

/// Keys of a pass over the values: sixteen columns of them fill half of a first-level cache.
enum { block = 256 };

static void pack_task(void *context, size_t head, size_t thread) {
    (void)thread;
    const attention *a = context;
    size_t count = a->k.rows, width = a->width, column = head * width;
    float *keys = a->keys + head * padded(count) * width;
    for (size_t j = 0; j < padded(count); j++) {
        float *to = keys + j / dseg_panel_width * width * dseg_panel_width + j % dseg_panel_width;
        const float *from = j < count ? dseg_row(a->k, j) + column : NULL;
        for (size_t i = 0; i < width; i++) to[i * dseg_panel_width] = from ? from[i] : 0.0f;
    }
    if (!a->y.base) return;
    float *to = a->values + head * padded(width) * count;
    for (size_t first = 0; first < width; first += dseg_panel_width) {
        size_t columns = dseg_least(dseg_panel_width, width - first);
        for (size_t j = 0; j < count; j++, to += dseg_panel_width) {
            const float *from = dseg_row(a->v, j) + column + first;
            for (size_t i = 0; i < dseg_panel_width; i++) to[i] = i < columns ? from[i] : 0.0f;
        }
    }
}

/// y <- p v for one head, p [rows, keys] times rates [rows].
static void read_values(const attention *a, size_t head, const float *p, const float *rates, size_t row, size_t rows) {
    size_t count = a->k.rows, width = a->width;
    const float *values = a->values + head * padded(width) * count;
    for (size_t key = 0; key < count; key += block)
        for (size_t column = 0; column < width; column += dseg_panel_width)
            dseg_multiply_panel(
                &(dseg_product){.rows = rows, .inputs = dseg_least(block, count - key), .x = p + key,
                                .x_stride = scores_stride(count),
                                .panel = values + column * count + key * dseg_panel_width,
                                .c = dseg_row(a->y, row) + head * width + column, .c_stride = a->y.stride,
                                .adding = key > 0},
                dseg_least(dseg_panel_width, width - column));
    for (size_t i = 0; i < rows; i++) dseg_simd->affine(dseg_row(a->y, row + i) + head * width, rates[i], 0.0f, width);
}

static void set_scores(const attention *a, size_t head, size_t row, size_t rows, float *scores) {
    const float *keys = a->keys + head * padded(a->k.rows) * a->width;
    for (size_t key = 0; key < a->k.rows; key += dseg_panel_width)
        dseg_simd->gemm_f32(&(dseg_product){
            .rows = rows, .inputs = a->width, .x = dseg_row(a->q, row) + head * a->width, .x_stride = a->q.stride,
            .panel = keys + key * a->width, .c = scores + key, .c_stride = scores_stride(a->k.rows)});
}

/// p [rows, keys] <- exp(scores), mean <- mean + the probabilities; rates [rows] <- what makes p probabilities.
static void exponentiate(const attention *a, float *p, size_t row, size_t rows, float *rates) {
    size_t count = a->k.rows;
    float scale = 1.0f / __builtin_sqrtf((float)a->width);
    for (size_t i = 0; i < rows; i++, p += scores_stride(count)) {
        size_t seen = a->causal ? dseg_least(row + i + 1, count) : count;
        rates[i] = 1.0f / dseg_simd->exponentials(p, seen, dseg_simd->largest(p, seen), scale);
        __builtin_memset(p + seen, 0, (count - seen) * sizeof(float));
        if (a->mean) dseg_simd->add_scaled(p, a->share * rates[i], dseg_row(*a->mean, row + i), count);
    }
}

static void tile_task(void *context, size_t task, size_t thread) {
    const attention *a = context;
    size_t row = task * a->tile_rows, rows = dseg_least(a->tile_rows, a->q.rows - row);
    float *scores = a->scores + thread * a->tile_floats, rates[dseg_tile_rows];
    for (size_t head = 0; head < a->heads; head++) {
        if (a->fixed) {
            dseg_attend_fixed(a, head, row, rows, scores);
            continue;
        }
        set_scores(a, head, row, rows, scores);
        exponentiate(a, scores, row, rows, rates);
        if (a->y.base) read_values(a, head, scores, rates, row, rows);
    }
}

static size_t largest(size_t a, size_t b) { return a > b ? a : b; }

static size_t key_floats(size_t keys, size_t width) {
    return largest(padded(keys) * width, dseg_fixed_keys_numbers(keys, width));
}

static size_t value_floats(size_t keys, size_t width) {
    return largest(keys * padded(width), dseg_fixed_values_numbers(keys, width));
}

static size_t tile_floats(size_t keys, size_t width) {
    return rows_of_a_tile(keys) * (scores_stride(keys) + dseg_fixed_query_numbers(keys, width));
}

static void run(attention a, float *scratch) {
    a.share /= (float)a.heads;
    a.width = a.q.columns / a.heads;
    a.tile_rows = rows_of_a_tile(a.k.rows);
    a.tile_floats = tile_floats(a.k.rows, a.width);
    a.keys = scratch;
    a.values = a.keys + a.heads * key_floats(a.k.rows, a.width);
    a.scores = a.values + a.heads * value_floats(a.k.rows, a.width);
    dseg_parallel(a.heads, a.fixed ? dseg_pack_fixed_task : pack_task, &a);
    dseg_parallel(dseg_parts(a.q.rows, a.tile_rows), tile_task, &a);
}

size_t dseg_attention_scratch(size_t keys, size_t columns, size_t heads) {
    size_t width = columns / heads;
    return heads * (key_floats(keys, width) + value_floats(keys, width)) + dseg_threads() * tile_floats(keys, width);
}

void dseg_attention(dseg_matrix q, dseg_matrix k, dseg_matrix v, size_t heads, bool causal, dseg_matrix y,
                    const dseg_matrix *mean, float share, bool fixed, float *scratch) {
    run((attention){.q = q, .k = k, .v = v, .y = y, .heads = heads, .causal = causal, .mean = mean, .share = share,
                    .fixed = fixed && !causal}, scratch);       // else later values' scale would reach earlier queries
}

void dseg_attention_mean(dseg_matrix q, dseg_matrix k, size_t heads, dseg_matrix mean, float share, bool fixed,
                         float *scratch) {
    run((attention){.q = q, .k = k, .heads = heads, .mean = &mean, .share = share, .fixed = fixed}, scratch);
}
