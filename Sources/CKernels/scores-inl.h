// Cross-attention scores, a query in each lane, and completion, a map in each lane, so that the bits of none depend on
// another. Included after lanes-inl.h and gemm-inl.h.

/// Keys that are multiplied together: their accumulators stay in registers.
#define KEYS 6

static void score(const int16_t *queries, const float *query_scales, const int16_t *keys, const float *key_scales,
                  size_t count, size_t pairs, const int32_t *positions, size_t position_count, float share,
                  float *scores, float *map) {
    f32x16 rate = load(query_scales), top = broadcast(-__builtin_inff()), total = {0}, chosen = {0};
    for (size_t key = 0; key < count; key += KEYS) {
        i32x16 sum[KEYS] = {{0}};
        const int16_t *row[KEYS];
        for (size_t r = 0; r < KEYS; r++) row[r] = keys + 2 * pairs * (key + r < count ? key + r : count - 1);
        for (size_t p = 0; p < pairs; p++) {
            i32x16 q = *(const i32x16 *)(queries + p * 2 * LANES);
#pragma clang loop unroll(full)
            for (size_t r = 0; r < KEYS; r++) {
                int32_t pair;
                __builtin_memcpy(&pair, row[r] + 2 * p, sizeof pair);
                sum[r] = add_pairs(sum[r], q, (i32x16){0} + pair);
            }
        }
        size_t rows = count - key < KEYS ? count - key : KEYS;
        for (size_t r = 0; r < rows; r++) {
            f32x16 s = __builtin_convertvector(sum[r], f32x16) * (rate * key_scales[key + r]);
            top = choose(s > top, s, top);
            store(scores + (key + r) * LANES, s);
        }
    }
    for (size_t key = 0; key < count; key++) {
        f32x16 e = power_of_two(load(scores + key * LANES) - top);
        store(scores + key * LANES, e);
        total += e;
    }
    for (size_t i = 0; i < position_count; i++) chosen += load(scores + (size_t)positions[i] * LANES);
    store(map, load(map) + chosen / total * share);
}

#undef KEYS

/// Rows of levels that are multiplied together: their sums stay in registers, beside a row of maps and a broadcast.
#if WIDTH == 512
#define ROWS 8
#else
#define ROWS 6
#endif

/// sums ← sums + levels maps for ROWS rows and `count` <= 16 columns.
INLINE void add_columns(const uint16_t *const *rows, bool roots, size_t column, size_t count, const float *maps,
                        f32x16 *sums) {
    float levels[ROWS][LANES];
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t i = 0; i < count; i++) levels[r][i] = rows[r][column + i];
        if (roots)
            for (size_t i = 0; i < count; i++) levels[r][i] *= levels[r][i];
    }
    for (size_t i = 0; i < count; i++) {
        f32x16 map = load(maps + (column + i) * LANES);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < ROWS; r++) sums[r] += map * levels[r][i];
    }
}

static void complete(const uint16_t *levels, bool roots, size_t stride, size_t rows, size_t count, const float *maps,
                     float *sums) {
    for (size_t row = 0; row < rows; row += ROWS) {
        f32x16 sum[ROWS] = {{0}};
        const uint16_t *from[ROWS];
        for (size_t r = 0; r < ROWS; r++) from[r] = levels + (row + r < rows ? row + r : rows - 1) * stride;
        size_t column = 0;
        for (; column + LANES <= count; column += LANES) add_columns(from, roots, column, LANES, maps, sum);
        add_columns(from, roots, column, count - column, maps, sum);
        for (size_t r = 0; r < ROWS && row + r < rows; r++) {
            float *to = sums + (row + r) * LANES;
            store(to, load(to) + sum[r]);
        }
    }
}

#undef ROWS
