// Attention in f32.
#include "attention.h"

/// p [rows, keys] ← exp(scores), rates [rows] ← 1 / their sums, mean ← mean + the head's share of them. Values
/// are multiplied by p, and only the output, which is narrower, by the rates.
static void exponentiate(const attention *a, size_t head, float *p, size_t row, size_t rows, float *rates) {
    size_t count = a->k.rows;
    float scale = 1.0f / __builtin_sqrtf((float)a->width), share = share_of(a, head);
    for (size_t i = 0; i < rows; i++, p += scores_stride(count)) {
        size_t seen = a->causal ? dseg_least(row + i + 1, count) : count;
        rates[i] = 1.0f / dseg_simd->exponentials(p, seen, dseg_simd->largest(p, seen), scale);
        __builtin_memset(p + seen, 0, (count - seen) * sizeof(float));
        if (share != 0.0f) dseg_simd->add_scaled(p, share * rates[i], dseg_row(*a->mean, row + i), count);
    }
}

void dseg_attend_f32(const attention *a, size_t head, size_t row, size_t rows, float *scores) {
    size_t keys = a->k.rows, width = a->width, column = head * width, stride = scores_stride(keys);
    float rates[dseg_tile_rows], *y = a->y.base ? dseg_row(a->y, row) + column : NULL;
    dseg_gemm_f32(&(dseg_product){.rows = rows,
                                  .columns = keys,
                                  .inputs = width,
                                  .x = dseg_row(a->q, row) + column,
                                  .x_stride = a->q.stride,
                                  .w = a->k.base + column,
                                  .w_stride = a->k.stride,
                                  .transposed = true,
                                  .c = scores,
                                  .c_stride = stride});
    exponentiate(a, head, scores, row, rows, rates);
    if (!y) return;
    dseg_gemm_f32(&(dseg_product){.rows = rows,
                                  .columns = width,
                                  .inputs = keys,
                                  .x = scores,
                                  .x_stride = stride,
                                  .w = a->v.base + column,
                                  .w_stride = a->v.stride,
                                  .c = y,
                                  .c_stride = a->y.stride});
    for (size_t i = 0; i < rows; i++) dseg_simd->affine(y + i * a->y.stride, rates[i], 0.0f, width);
}
