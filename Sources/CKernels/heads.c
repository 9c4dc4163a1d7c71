// Single heads of self-attention as affinities, by tiles of queries: a task computes the scores of a few queries
// against a few keys at a time, whenever maps are multiplied, so that no [N, N] matrix of a head is ever stored.
#include "internal.h"

enum { lanes = 16 };
/// Rows of a tile, and columns: in f32 they decide the shapes of products, and with these their bits.
enum { tile_rows = 32, chunk = 256 };

/// Floats from one row of a tile to the next, a cache line of padding included (attention.h says why).
static size_t stride_of(size_t keys) { return dseg_padded(keys) + dseg_panel_width; }

/// What keeps quotients finite where nothing is left.
static const float epsilon = 1e-5f;

/// By which differences of scores are multiplied before they are exponents of e. Quantized keys are scaled for powers
/// of two.
static float scale_of(const dseg_heads *h) {
    return h->key_scales ? 0.69314718f : 1.0f / __builtin_sqrtf((float)h->width);
}

static void multiply_int16(const dseg_heads *h, size_t head, size_t row, size_t rows, size_t first, size_t count,
                           float *scores, size_t stride) {
    size_t pairs = dseg_parts(h->width, 2), query = head * h->pixels + row;
    for (size_t key = first; key < first + count; key += dseg_panel_width) {
        size_t place = key / dseg_panel_width * h->heads + head;
        dseg_dequantized to = {.columns = dseg_least(dseg_panel_width, first + count - key),
                               .row_scales = h->query_scales + query,
                               .column_scales = h->key_scales + place * dseg_panel_width,
                               .y = scores + (key - first),
                               .y_stride = stride};
        dseg_simd->gemm_int16(&(dseg_pair_product){.rows = rows,
                                                   .pairs = pairs,
                                                   .x = (const int32_t *)h->queries + query * pairs,
                                                   .x_stride = pairs,
                                                   .panel = (const int32_t *)h->keys + place * pairs * dseg_panel_width,
                                                   .dequantized = &to});
    }
}

/// scores [rows, count] ← q k^T of a tile's queries and `count` keys from `first` on, where a chunk begins.
static void multiply(const dseg_heads *h, size_t head, size_t row, size_t rows, size_t first, size_t count,
                     float *scores, size_t stride) {
    if (h->key_scales) {
        multiply_int16(h, head, row, rows, first, count, scores, stride);
        return;
    }
    size_t columns = h->heads * h->width, column = head * h->width;
    dseg_gemm_f32(&(dseg_product){.rows = rows,
                                  .columns = count,
                                  .inputs = h->width,
                                  .x = (const float *)h->queries + row * columns + column,
                                  .x_stride = columns,
                                  .w = (const float *)h->keys + first * columns + column,
                                  .w_stride = columns,
                                  .transposed = true,
                                  .c = scores,
                                  .c_stride = stride});
}

// ---- what normalises ----------------------------------------------------------------------------------------------

typedef struct {
    const dseg_heads *heads;
    size_t head;
    float *most, *scores;  // of each thread [N], and a tile against all keys
} measurement;

static void measure_task(void *context, size_t task, size_t thread) {
    const measurement *m = context;
    const dseg_heads *h = m->heads;
    size_t pixels = h->pixels, row = task * tile_rows, rows = dseg_least(tile_rows, pixels - row);
    size_t stride = stride_of(pixels), place = m->head * pixels + row;
    float *scores = m->scores + thread * tile_rows * stride;
    for (size_t key = 0; key < pixels; key += chunk)
        multiply(h, m->head, row, rows, key, dseg_least(chunk, pixels - key), scores + key, stride);
    for (size_t i = 0; i < rows; i++) {
        float *p = scores + i * stride, top = dseg_simd->largest(p, pixels);
        h->tops[place + i] = top;
        h->rates[place + i] = 1.0f / dseg_simd->exponentials(p, pixels, top, scale_of(h));
        dseg_simd->maximize(p, h->rates[place + i], m->most + thread * pixels, pixels);
    }
}

void dseg_measure_heads(dseg_heads h, float *scratch) {
    size_t pixels = h.pixels, threads = dseg_threads();
    for (size_t head = 0; head < h.heads; head++) {
        measurement m = {&h, head, scratch, scratch + threads * pixels};
        __builtin_memset(m.most, 0, threads * pixels * sizeof(float));
        dseg_parallel(dseg_parts(pixels, tile_rows), measure_task, &m);
        // A maximum is the same in any order, whichever thread had which rows.
        for (size_t thread = 1; thread < threads; thread++)
            dseg_simd->maximize(m.most + thread * pixels, 1.0f, m.most, pixels);
        for (size_t i = 0; i < pixels; i++) h.gains[head * pixels + i] = 1.0f / (m.most[i] + epsilon);
    }
}

// ---- maps ---------------------------------------------------------------------------------------------------------

typedef struct {
    const dseg_heads *heads;
    size_t head;
    float threshold;
    const float *x;
    size_t groups;
    float share;
    bool adding;
    float *y, *scratch;
} application;

/// x ← the links of a query to `count` keys from `key` on, in place of their scores.
static void cut(const application *a, size_t row, size_t key, size_t count, float *x, float *total) {
    const dseg_heads *h = a->heads;
    size_t place = a->head * h->pixels;
    dseg_cut c = {.top = h->tops[place + row],
                  .rate = h->rates[place + row],
                  .scale = scale_of(h),
                  .threshold = a->threshold,
                  .gains = h->gains + place + key,
                  .total = total};
    dseg_simd->cut(x, &c, count);
}

/// `share` over the sum of a row's links.
static float rate_of(const application *a, const float *total) {
    float sum = 0;
    for (size_t i = 0; i < lanes; i++) sum += total[i];
    return a->share / (sum + epsilon);
}

/// A thread's scratch: links [tile_rows, chunk], and sums of these, then of their products with each group of maps,
/// [tile_rows, 16].
static size_t application_floats(size_t groups) { return tile_rows * (stride_of(chunk) + (groups + 1) * lanes); }

static void apply_task(void *context, size_t task, size_t thread) {
    const application *a = context;
    const dseg_heads *h = a->heads;
    size_t pixels = h->pixels, row = task * tile_rows, rows = dseg_least(tile_rows, pixels - row);
    size_t stride = stride_of(chunk);
    float *links = a->scratch + thread * application_floats(a->groups);
    float *totals = links + tile_rows * stride, *sums = totals + tile_rows * lanes;
    __builtin_memset(totals, 0, (a->groups + 1) * tile_rows * lanes * sizeof(float));
    for (size_t key = 0; key < pixels; key += chunk) {
        size_t count = dseg_least(chunk, pixels - key);
        multiply(h, a->head, row, rows, key, count, links, stride);
        for (size_t i = 0; i < rows; i++) cut(a, row + i, key, count, links + i * stride, totals + i * lanes);
        for (size_t group = 0; group < a->groups; group++)
            dseg_simd->multiply_maps(links, stride, rows, count, a->x + (group * pixels + key) * lanes,
                                     sums + group * tile_rows * lanes);
    }
    for (size_t i = 0; i < rows; i++) {
        float rate = rate_of(a, totals + i * lanes);
        for (size_t group = 0; group < a->groups; group++) {
            float *y = a->y + (group * pixels + row + i) * lanes;
            if (!a->adding) __builtin_memset(y, 0, lanes * sizeof(float));
            dseg_simd->add_scaled(sums + (group * tile_rows + i) * lanes, rate, y, lanes);
        }
    }
}

size_t dseg_heads_scratch(size_t pixels, size_t groups) {
    return dseg_threads() * dseg_greatest(tile_rows * stride_of(pixels) + pixels, application_floats(groups));
}

void dseg_apply_head(dseg_heads heads, size_t head, float threshold, const float *x, size_t groups, float share,
                     bool adding, float *y, float *scratch) {
    application a = {&heads, head, threshold, x, groups, share, adding, y, scratch};
    dseg_parallel(dseg_parts(heads.pixels, tile_rows), apply_task, &a);
}

void dseg_head_row(dseg_heads heads, size_t head, float threshold, size_t row, float *y, float *scratch) {
    application a = {.heads = &heads, .head = head, .threshold = threshold, .share = 1};
    size_t pixels = heads.pixels, first = row / tile_rows * tile_rows, stride = stride_of(chunk);
    float total[lanes] = {0};
    for (size_t key = 0; key < pixels; key += chunk) {
        size_t count = dseg_least(chunk, pixels - key);
        multiply(&heads, head, first, dseg_least(tile_rows, pixels - first), key, count, scratch, stride);
        __builtin_memcpy(y + key, scratch + (row - first) * stride, count * sizeof(float));
        cut(&a, row, key, count, y + key, total);
    }
    dseg_simd->affine(y, rate_of(&a, total), 0, pixels);
}
