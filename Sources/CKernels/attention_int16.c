// Attention in fixed point. A head's memory:
//
//     keys    scales [L padded], then [L / 16][pairs of width, 16 keys, 2]
//     values  scales [width padded], then [width / 16][pairs of L, 16 columns, 2]
//
// Keys and queries are scaled by their length (DSEG_FIXED_LENGTH). A column of values is scaled by its largest
// magnitude, and probabilities by their sum over a block of keys: a sum of products p v is at most 32767 times the sum
// of p, which is below 65537, and the product below 2^31.
#include "attention.h"

/// Keys whose probabilities share a scale.
enum { block = 512 };
/// The sum to which a block's probabilities are scaled: with the half that rounding may add to each it stays below
/// 65537.
static float total_of(size_t count) { return 65000.0f - 0.5f * (float)count; }

static size_t pairs_of(size_t count) { return dseg_parts(count, 2); }

size_t dseg_int16_keys_numbers(size_t keys, size_t width) { return dseg_padded(keys) * (pairs_of(width) + 1); }
size_t dseg_int16_values_numbers(size_t keys, size_t width) { return dseg_padded(width) * (pairs_of(keys) + 1); }

static void pack_keys(const attention *a, size_t head) {
    size_t pairs = pairs_of(a->width), size = dseg_int16_keys_numbers(a->k.rows, a->width);
    float *scales = a->keys + head * size;
    int32_t *values = (int32_t *)scales + dseg_padded(a->k.rows);
    __builtin_memset(scales, 0, size * sizeof(float));
    for (size_t key = 0; key < a->k.rows; key++) {
        int32_t *to = values + key / dseg_panel_width * pairs * dseg_panel_width + key % dseg_panel_width;
        scales[key] =
            dseg_simd->quantize(dseg_row(a->k, key) + head * a->width, a->width, (int16_t *)to, 2 * dseg_panel_width);
    }
}

/// to [count, 16] ← columns of a head's values from `first` on, of `count` keys from `key` on.
static void copy_values(const attention *a, size_t head, size_t first, size_t key, size_t count, float *to) {
    size_t columns = dseg_least(dseg_panel_width, a->width - first);
    for (size_t i = 0; i < count; i++, to += dseg_panel_width) {
        const float *from = dseg_row(a->v, key + i) + head * a->width + first;
        if (columns == dseg_panel_width) {
            __builtin_memcpy(to, from, dseg_panel_width * sizeof(float));
            continue;
        }
        __builtin_memset(to, 0, dseg_panel_width * sizeof(float));
        __builtin_memcpy(to, from, columns * sizeof(float));
    }
}

static void pack_values(const attention *a, size_t head) {
    enum { part = 64 };  // keys at a time: an even number
    size_t keys = a->k.rows, size = dseg_int16_values_numbers(keys, a->width);
    float *scales = a->values + head * size;
    int32_t *values = (int32_t *)scales + dseg_padded(a->width);
    for (size_t first = 0; first < a->width; first += dseg_panel_width, values += pairs_of(keys) * dseg_panel_width) {
        float squares[dseg_panel_width] = {0}, largest[dseg_panel_width] = {0}, factors[dseg_panel_width];
        float some[part * dseg_panel_width];
        for (size_t key = 0; key < keys; key += part) {
            size_t count = dseg_least(part, keys - key);
            copy_values(a, head, first, key, count, some);
            dseg_simd->panel_norms(some, count, squares, largest);
        }
        for (size_t i = 0; i < dseg_panel_width; i++) {
            bool is_known = squares[i] == squares[i] && largest[i] < __builtin_inff();  // max skips NaN
            factors[i] = is_known && largest[i] > 0x1p-110f ? 32767.0f / largest[i] : 0.0f;
            scales[first + i] = is_known ? largest[i] / 32767.0f : __builtin_nanf("");
        }
        for (size_t key = 0; key < keys; key += part) {
            size_t count = dseg_least(part, keys - key);
            copy_values(a, head, first, key, count, some);
            dseg_simd->quantize_panel(some, count, factors, values + key / 2 * dseg_panel_width);
        }
    }
}

void dseg_pack_int16_task(void *context, size_t head, size_t thread) {
    (void)thread;
    const attention *a = context;
    if (!is_wanted(a, head)) return;
    pack_keys(a, head);
    if (a->y.base) pack_values(a, head);
}

size_t dseg_int16_query_numbers(size_t keys, size_t width) { return pairs_of(width) + 1 + dseg_parts(keys, block); }

/// scores [rows, keys] ← q k^T; `queries` is room for the rows' scales and integers.
static void multiply_keys(const attention *a, size_t head, size_t row, size_t rows, float *scores, float *queries) {
    size_t pairs = pairs_of(a->width), stride = scores_stride(a->k.rows);
    const float *scales = a->keys + head * dseg_int16_keys_numbers(a->k.rows, a->width);
    const int32_t *keys = (const int32_t *)scales + dseg_padded(a->k.rows);
    int32_t *values = (int32_t *)queries + rows;
    for (size_t i = 0; i < rows; i++) {
        values[(i + 1) * pairs - 1] = 0;  // pads an odd width
        queries[i] = dseg_simd->quantize(dseg_row(a->q, row + i) + head * a->width, a->width,
                                         (int16_t *)(values + i * pairs), 2);
    }
    for (size_t key = 0; key < a->k.rows; key += dseg_panel_width) {
        dseg_dequantized to = {.columns = dseg_panel_width,
                               .row_scales = queries,
                               .column_scales = scales + key,
                               .y = scores + key,
                               .y_stride = stride};
        dseg_simd->gemm_int16(&(dseg_pair_product){.rows = rows,
                                                   .pairs = pairs,
                                                   .x = values,
                                                   .x_stride = pairs,
                                                   .panel = keys + key * pairs,
                                                   .dequantized = &to});
    }
}

/// p [rows, keys] ← exp(scores), quantized if there are values; scales [blocks, rows] ← what dequantizes these integers
/// to probabilities; mean ← mean + the head's share of them.
static void exponentiate(const attention *a, size_t head, float *p, size_t row, size_t rows, float *scales) {
    size_t keys = a->k.rows;
    float scale = 1.0f / __builtin_sqrtf((float)a->width), share = share_of(a, head);
    for (size_t i = 0; i < rows; i++, p += scores_stride(keys)) {
        float top = dseg_simd->largest(p, keys), total = 0.0f;
        for (size_t key = 0; key < keys; key += block) {
            float sum = dseg_simd->exponentials(p + key, dseg_least(block, keys - key), top, scale);
            scales[key / block * rows + i] = sum;
            total += sum;
        }
        float rate = 1.0f / total, *mean = share != 0.0f ? dseg_row(*a->mean, row + i) : NULL;
        if (!a->y.base) {
            if (mean) dseg_simd->add_scaled(p, share * rate, mean, keys);
            continue;
        }
        for (size_t key = 0; key < keys; key += block) {
            size_t count = dseg_least(block, keys - key);
            float *sum = scales + key / block * rows + i, factor = total_of(count) / *sum;
            if (!(factor < 32767.0f)) factor = 32767.0f;  // no probability is above 1
            *sum = rate / factor;                         // NaN where any sum is
            dseg_simd->quantize_probabilities(p + key, count, factor, mean ? mean + key : NULL, share * rate);
        }
    }
}

/// y ← p v, p [rows, keys] quantized.
static void sum_values(const attention *a, size_t head, const float *p, size_t row, size_t rows, const float *scales) {
    size_t keys = a->k.rows;
    const float *column_scales = a->values + head * dseg_int16_values_numbers(keys, a->width);
    const int32_t *values = (const int32_t *)column_scales + dseg_padded(a->width);
    for (size_t key = 0; key < keys; key += block)
        for (size_t column = 0; column < a->width; column += dseg_panel_width) {
            dseg_dequantized to = {.columns = dseg_least(dseg_panel_width, a->width - column),
                                   .row_scales = scales + key / block * rows,
                                   .column_scales = column_scales + column,
                                   .y = dseg_row(a->y, row) + head * a->width + column,
                                   .y_stride = a->y.stride,
                                   .adding = key > 0};
            dseg_simd->gemm_int16(
                &(dseg_pair_product){.rows = rows,
                                     .pairs = pairs_of(dseg_least(block, keys - key)),
                                     .x = (const int32_t *)(p + key),
                                     .x_stride = scores_stride(keys),
                                     .panel = values + column * pairs_of(keys) + key / 2 * dseg_panel_width,
                                     .dequantized = &to});
        }
}

void dseg_attend_int16(const attention *a, size_t head, size_t row, size_t rows, float *scores) {
    float *scales = scores + a->tile_rows * scores_stride(a->k.rows);
    float *queries = scales + a->tile_rows * dseg_parts(a->k.rows, block);
    multiply_keys(a, head, row, rows, scores, queries);
    exponentiate(a, head, scores, row, rows, scales);
    if (a->y.base) sum_values(a, head, scores, row, rows, scales);
}
