// Attention by tiles of queries: a task holds the scores of a few queries against all keys, one head after another,
// so that no [N, N] map of a head is ever stored.
#include "internal.h"

static const size_t tile_rows = 64;

typedef struct {
    dseg_matrix q, k, v, y;               // y.base NULL: no values wanted
    size_t heads;
    bool causal;
    const dseg_matrix *mean;
    const int32_t *positions;
    size_t position_count;
    float *map;
    float share;                          // of a head in the mean or the map
    float *scratch;
} attention;

static void tile_task(void *context, size_t task, size_t thread) {
    const attention *a = context;
    size_t row = task * tile_rows, rows = dseg_least(tile_rows, a->q.rows - row);
    size_t keys = a->k.rows, width = a->q.columns / a->heads;
    float *scores = a->scratch + thread * tile_rows * keys;
    float scale = 1.0f / __builtin_sqrtf((float)width);
    for (size_t head = 0; head < a->heads; head++) {
        size_t column = head * width;
        dseg_product_transposed(rows, keys, width, dseg_row(a->q, row) + column, a->q.stride, a->k.base + column,
                                a->k.stride, scores, keys, false);
        for (size_t i = 0; i < rows; i++) {
            float *p = scores + i * keys;
            size_t seen = a->causal ? dseg_least(row + i + 1, keys) : keys;
            dseg_rows->softmax(p, seen, scale);
            __builtin_memset(p + seen, 0, (keys - seen) * sizeof(float));
            if (a->mean) dseg_rows->add_scaled(p, a->share, dseg_row(*a->mean, row + i), keys);
            for (size_t j = 0; j < a->position_count; j++) a->map[row + i] += a->share * p[a->positions[j]];
        }
        if (a->y.base)
            dseg_product(rows, width, keys, scores, keys, a->v.base + column, a->v.stride,
                         dseg_row(a->y, row) + column, a->y.stride);
    }
}

static void run(attention a) {
    a.share /= (float)a.heads;
    dseg_parallel(dseg_parts(a.q.rows, tile_rows), tile_task, &a);
}

size_t dseg_attention_scratch(size_t keys) { return dseg_threads() * tile_rows * keys; }

void dseg_attention(dseg_matrix q, dseg_matrix k, dseg_matrix v, size_t heads, bool causal, dseg_matrix y,
                    const dseg_matrix *mean, float share, float *scratch) {
    run((attention){.q = q, .k = k, .v = v, .y = y, .heads = heads, .causal = causal, .mean = mean, .share = share,
                    .scratch = scratch});
}

void dseg_attention_mean(dseg_matrix q, dseg_matrix k, size_t heads, dseg_matrix mean, float share, float *scratch) {
    run((attention){.q = q, .k = k, .heads = heads, .mean = &mean, .share = share, .scratch = scratch});
}

void dseg_attention_map(dseg_matrix q, dseg_matrix k, size_t heads, const int32_t *positions, size_t count,
                        float share, float *map, float *scratch) {
    run((attention){.q = q, .k = k, .heads = heads, .positions = positions, .position_count = count, .map = map,
                    .share = share / (float)count, .scratch = scratch});
}
