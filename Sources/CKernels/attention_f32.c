// Attention in f32. A head's memory:
//
//     keys    [L / 16][width, 16]     scores = q k^T, sixteen keys at a time
//     values  [width / 16][L, 16]     y = p v, sixteen columns at a time
#include "attention.h"

/// Keys of a pass over the values (k blocking): sixteen columns of them fill half of the L1 cache.
enum { block = 256 };

void dseg_pack_f32_task(void *context, size_t head, size_t thread) {
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

/// y ← p v for one head, p [rows, keys] times rates [rows].
static void sum_values(const attention *a, size_t head, const float *p, const float *rates, size_t row, size_t rows) {
    size_t count = a->k.rows, width = a->width;
    const float *values = a->values + head * padded(width) * count;
    for (size_t key = 0; key < count; key += block)
        for (size_t column = 0; column < width; column += dseg_panel_width)
            dseg_multiply_panel(&(dseg_product){.rows = rows,
                                                .inputs = dseg_least(block, count - key),
                                                .x = p + key,
                                                .x_stride = scores_stride(count),
                                                .panel = values + column * count + key * dseg_panel_width,
                                                .c = dseg_row(a->y, row) + head * width + column,
                                                .c_stride = a->y.stride,
                                                .adding = key > 0},
                                dseg_least(dseg_panel_width, width - column));
    for (size_t i = 0; i < rows; i++) dseg_simd->affine(dseg_row(a->y, row + i) + head * width, rates[i], 0.0f, width);
}

/// scores [rows, keys] ← q k^T
static void multiply_keys(const attention *a, size_t head, size_t row, size_t rows, float *scores) {
    const float *keys = a->keys + head * padded(a->k.rows) * a->width;
    for (size_t key = 0; key < a->k.rows; key += dseg_panel_width)
        dseg_simd->gemm_f32(&(dseg_product){.rows = rows,
                                            .inputs = a->width,
                                            .x = dseg_row(a->q, row) + head * a->width,
                                            .x_stride = a->q.stride,
                                            .panel = keys + key * a->width,
                                            .c = scores + key,
                                            .c_stride = scores_stride(a->k.rows)});
}

/// p [rows, keys] ← exp(scores), rates [rows] ← 1 / their sums, mean ← mean + the probabilities. Values are
/// multiplied by p, and only the output, which is narrower, by the rates.
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

void dseg_attend_f32(const attention *a, size_t head, size_t row, size_t rows, float *scores) {
    float rates[dseg_tile_rows];
    multiply_keys(a, head, row, rows, scores);
    exponentiate(a, scores, row, rows, rates);
    if (a->y.base) sum_values(a, head, scores, rates, row, rows);
}
