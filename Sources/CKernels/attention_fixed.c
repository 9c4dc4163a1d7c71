// Attention in fixed point. A head's memory:
//
//     keys    scales [L padded], then [L / 16][pairs of width, 16 keys, 2]
//     values  scales [width padded], then [width / 16][pairs of L, 16 columns, 2]
//
// Keys and queries are scaled by their length, so that their products stay below 2^31. A column of values is scaled by
// its largest, and probabilities by their sum over a block of keys: no sum of products can pass that of the
// probabilities times 32767.
#include "attention.h"

/// Keys whose probabilities share a scale.
enum { block = 512 };
/// What the integers of a block's probabilities add up to, before each is rounded: with half a unit more for each the
/// sum stays below 65537.
static float total_of(size_t count) { return 65000.0f - 0.5f * (float)count; }

static size_t pairs_of(size_t count) { return dseg_parts(count, 2); }

size_t dseg_fixed_keys_numbers(size_t keys, size_t width) { return padded(keys) * (pairs_of(width) + 1); }
size_t dseg_fixed_values_numbers(size_t keys, size_t width) { return padded(width) * (pairs_of(keys) + 1); }

static void pack_keys(const attention *a, size_t head) {
    size_t pairs = pairs_of(a->width), size = dseg_fixed_keys_numbers(a->k.rows, a->width);
    float *scales = a->keys + head * size;
    int32_t *values = (int32_t *)scales + padded(a->k.rows);
    __builtin_memset(scales, 0, size * sizeof(float));
    for (size_t key = 0; key < a->k.rows; key++) {
        int32_t *to = values + key / dseg_panel_width * pairs * dseg_panel_width + key % dseg_panel_width;
        scales[key] = dseg_rows->fix(dseg_row(a->k, key) + head * a->width, a->width, (int16_t *)to,
                                     2 * dseg_panel_width);
    }
}

static void pack_values(const attention *a, size_t head) {
    size_t keys = a->k.rows, size = dseg_fixed_values_numbers(keys, a->width);
    float *scales = a->values + head * size;
    int32_t *values = (int32_t *)scales + padded(a->width);
    for (size_t first = 0; first < a->width; first += dseg_panel_width, values += pairs_of(keys) * dseg_panel_width) {
        size_t columns = dseg_least(dseg_panel_width, a->width - first);
        float squares[dseg_panel_width] = {0}, largest[dseg_panel_width] = {0}, factors[dseg_panel_width];
        float two[2 * dseg_panel_width] = {0};
        for (size_t key = 0; key < keys; key++) {
            __builtin_memcpy(two, dseg_row(a->v, key) + head * a->width + first, columns * sizeof(float));
            dseg_pairs->norms(two, 1, squares, largest);
        }
        for (size_t i = 0; i < dseg_panel_width; i++) {
            bool is_known = squares[i] == squares[i] && largest[i] < __builtin_inff();      // NaN is never the largest
            factors[i] = is_known && largest[i] > 0x1p-110f ? 32767.0f / largest[i] : 0.0f;
            scales[first + i] = is_known ? largest[i] / 32767.0f : __builtin_nanf("");
        }
        for (size_t key = 0; key < keys; key += 2) {
            size_t some = dseg_least(2, keys - key);
            for (size_t i = 0; i < some; i++)
                __builtin_memcpy(two + i * dseg_panel_width, dseg_row(a->v, key + i) + head * a->width + first,
                                 columns * sizeof(float));
            dseg_pairs->pair(two, some, factors, values + key / 2 * dseg_panel_width);
        }
    }
}

void dseg_pack_fixed_task(void *context, size_t head, size_t thread) {
    (void)thread;
    const attention *a = context;
    pack_keys(a, head);
    if (a->y.base) pack_values(a, head);
}

void dseg_set_fixed_scores(const attention *a, size_t head, size_t row, size_t rows, float *scores) {
    size_t pairs = pairs_of(a->width), stride = scores_stride(a->k.rows);
    const float *scales = a->keys + head * dseg_fixed_keys_numbers(a->k.rows, a->width);
    const int32_t *keys = (const int32_t *)scales + padded(a->k.rows);
    int32_t c[dseg_tile_rows * dseg_panel_width];
    float *query_scales = scores + a->tile_rows * stride;
    int32_t *queries = (int32_t *)query_scales + a->tile_rows;
    for (size_t i = 0; i < rows; i++) {
        queries[(i + 1) * pairs - 1] = 0;                      // beside an odd width
        query_scales[i] = dseg_rows->fix(dseg_row(a->q, row + i) + head * a->width, a->width,
                                         (int16_t *)(queries + i * pairs), 2);
    }
    for (size_t key = 0; key < a->k.rows; key += dseg_panel_width) {
        dseg_pairs->product(&(dseg_pair_product){.rows = rows, .pairs = pairs, .x = queries, .x_stride = pairs,
                                                 .panel = keys + key * pairs, .c = c, .c_stride = dseg_panel_width});
        dseg_pairs->release(&(dseg_release){
            .rows = rows, .columns = dseg_panel_width, .c = c, .c_stride = dseg_panel_width,
            .row_scales = query_scales, .row_scales_stride = 1, .column_scales = scales + key,
            .y = scores + key, .y_stride = stride});
    }
}

void dseg_read_fixed_values(const attention *a, size_t head, float *p, const float *rates, size_t row, size_t rows) {
    size_t keys = a->k.rows, stride = scores_stride(keys);
    const float *scales = a->values + head * dseg_fixed_values_numbers(keys, a->width);
    const int32_t *values = (const int32_t *)scales + padded(a->width);
    int32_t c[dseg_tile_rows * dseg_panel_width];
    for (size_t key = 0; key < keys; key += block) {
        size_t count = dseg_least(block, keys - key);
        float row_scales[dseg_tile_rows];
        for (size_t i = 0; i < rows; i++)
            row_scales[i] = rates[i] * dseg_pairs->fix_probabilities(p + i * stride + key, count, total_of(count));
        for (size_t column = 0; column < a->width; column += dseg_panel_width) {
            dseg_pairs->product(&(dseg_pair_product){
                .rows = rows, .pairs = pairs_of(count), .x = (const int32_t *)(p + key), .x_stride = stride,
                .panel = values + column * pairs_of(keys) + key / 2 * dseg_panel_width,
                .c = c, .c_stride = dseg_panel_width});
            dseg_pairs->release(&(dseg_release){
                .rows = rows, .columns = dseg_least(dseg_panel_width, a->width - column), .c = c,
                .c_stride = dseg_panel_width, .row_scales = row_scales, .row_scales_stride = 1,
                .column_scales = scales + column, .y = dseg_row(a->y, row) + head * a->width + column,
                .y_stride = a->y.stride, .adding = key > 0});
        }
    }
}
