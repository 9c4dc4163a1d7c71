// Cross-attention scores, a query in each lane, and completion, a map in each lane, so that the bits of none depend on
// another. Included after lanes-inl.h and gemm-inl.h.

/// Keys that are multiplied together: their accumulators stay in registers.
#define KEYS 6

/// A phrase's sums as registers.
typedef struct {
    f32x16 top, total, chosen;
} score_sums;

INLINE score_sums sums_of(const dseg_keys_beside *k) {
    size_t pairs = k->pairs;
    f32x16 rate = load(k->query_scales), top = broadcast(-__builtin_inff()), total = {0}, chosen = {0};
    for (size_t key = 0; key < k->count; key += KEYS) {
        i32x16 sum[KEYS] = {{0}};
        const int16_t *row[KEYS];
        for (size_t r = 0; r < KEYS; r++) row[r] = k->keys + 2 * pairs * (key + r < k->count ? key + r : k->count - 1);
        for (size_t p = 0; p < pairs; p++) {
            i32x16 q = *(const i32x16 *)(k->queries + p * 2 * LANES);
#pragma clang loop unroll(full)
            for (size_t r = 0; r < KEYS; r++) {
                int32_t pair;
                __builtin_memcpy(&pair, row[r] + 2 * p, sizeof pair);
                sum[r] = add_pairs(sum[r], q, (i32x16){0} + pair);
            }
        }
        size_t rows = k->count - key < KEYS ? k->count - key : KEYS;
        for (size_t r = 0; r < rows; r++) {
            f32x16 s = __builtin_convertvector(sum[r], f32x16) * (rate * k->key_scales[key + r]);
            top = choose(s > top, s, top);
            store(k->scores + (key + r) * LANES, s);
        }
    }
    for (size_t key = 0; key < k->count; key++) {
        f32x16 e = power_of_two(load(k->scores + key * LANES) - top);
        store(k->scores + key * LANES, e);
        total += e;
    }
    for (size_t i = 0; i < k->position_count; i++) chosen += load(k->scores + (size_t)k->positions[i] * LANES);
    return (score_sums){top, total, chosen};
}

INLINE void add_quotient(f32x16 chosen, f32x16 total, float share, float *map) {
    store(map, load(map) + chosen / total * share);
}

static void score(const dseg_keys_beside *keys, float share, float *map) {
    score_sums s = sums_of(keys);
    add_quotient(s.chosen, s.total, share, map);
}

static void score_all(const dseg_keys_beside *keys, float share, float *maps, size_t stride) {
    score_sums s = sums_of(keys);
    for (size_t key = 0; key < keys->count; key++)
        add_quotient(load(keys->scores + key * LANES), s.total, share, maps + key * stride);
}

static void sum_scores(const dseg_keys_beside *keys, dseg_score_sums *sums) {
    score_sums s = sums_of(keys);
    store(sums->top, s.top);
    store(sums->total, s.total);
    store(sums->chosen, s.chosen);
}

/// What a label adds to the softmaxes of others: the mean over its phrases of their own keys, in steps of 2^(top - 48),
/// and how many phrases have NaN, for which integers have no room.
typedef struct {
    i64x16 sum;
    i32x16 spoilt;
} label_weight;

INLINE label_weight weight_of(const dseg_joined_labels *l, size_t label, f32x16 top) {
    size_t first = label ? l->ends[label - 1] : 0, end = l->ends[label];
    label_weight weight = {{0}, {0}};
    for (size_t i = first; i < end; i++) {
        const dseg_score_sums *s = l->sums + i * l->step;
        f32x16 x = load(s->chosen) * power_of_two(load(s->top) - top) * (0x1p48f / (float)(end - first));
        weight.sum += __builtin_convertvector(choose(x == x, x, (f32x16){0}), i64x16);
        weight.spoilt -= x != x;
    }
    return weight;
}

static void join(const dseg_joined_labels *l) {
    f32x16 top = broadcast(-__builtin_inff());
    for (size_t i = 0; i < l->ends[l->labels - 1]; i++) top = larger(load(l->sums[i * l->step].top), top);
    label_weight all = {{0}, {0}};
    for (size_t label = 0; label < l->labels; label++) {
        label_weight weight = weight_of(l, label, top);
        all.sum += weight.sum;
        all.spoilt += weight.spoilt;
    }
    for (size_t label = 0, i = 0; label < l->labels; label++) {
        label_weight own = weight_of(l, label, top);
        f32x16 others = __builtin_convertvector(all.sum - own.sum, f32x16) * 0x1p-48f;
        others = choose(all.spoilt == own.spoilt, others, broadcast(__builtin_nanf("")));
        for (; i < l->ends[label]; i++) {
            const dseg_score_sums *s = l->sums + i * l->step;
            // In the phrase's own unit. A power that would overflow is cut: the quotient is below 2^-110 all the same.
            f32x16 unit = power_of_two(larger(broadcast(-126.0f), load(s->top) - top));
            float share = l->share / (float)l->phrases[i].position_count;
            add_quotient(load(s->chosen), load(s->total) + others / unit, share, l->maps + i * l->stride);
        }
    }
}

#undef KEYS

/// Rows of levels that are multiplied together: their sums stay in registers, beside a row of maps and a broadcast.
#if WIDTH == 512
#define ROWS 8
#else
#define ROWS 6
#endif

/// sums ← sums + weights maps for ROWS rows and `count` <= 16 columns.
INLINE void add_maps(const float *const *rows, size_t count, const float *maps, f32x16 *sums) {
    for (size_t i = 0; i < count; i++) {
        f32x16 map = load(maps + i * LANES);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < ROWS; r++) sums[r] += map * rows[r][i];
    }
}

/// sums [rows, 16] ← sums + sum, of at most ROWS rows.
INLINE void add_sums(const f32x16 *sum, size_t rows, float *sums) {
    for (size_t r = 0; r < ROWS && r < rows; r++) store(sums + r * LANES, load(sums + r * LANES) + sum[r]);
}

/// add_maps of levels.
INLINE void add_columns(const uint16_t *const *rows, bool roots, size_t column, size_t count, const float *maps,
                        f32x16 *sums) {
    float levels[ROWS][LANES];
    const float *weights[ROWS];
    for (size_t r = 0; r < ROWS; r++) {
        weights[r] = levels[r];
        for (size_t i = 0; i < count; i++) levels[r][i] = rows[r][column + i];
        if (roots)
            for (size_t i = 0; i < count; i++) levels[r][i] *= levels[r][i];
    }
    add_maps(weights, count, maps + column * LANES, sums);
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
        add_sums(sum, rows - row, sums + row * LANES);
    }
}

/// Whether any of sixteen columns has a weight in ROWS rows.
INLINE bool has_weights(const float *const *rows) {
    i32x16 any = {0};
    for (size_t r = 0; r < ROWS; r++) any |= (i32x16)load(rows[r]);
    return __builtin_reduce_or(any) != 0;
}

static void multiply_maps(const float *weights, size_t stride, size_t rows, size_t count, const float *maps,
                          float *sums) {
    for (size_t row = 0; row < rows; row += ROWS) {
        f32x16 sum[ROWS] = {{0}};
        const float *from[ROWS];
        for (size_t r = 0; r < ROWS; r++) from[r] = weights + (row + r < rows ? row + r : rows - 1) * stride;
        size_t column = 0;
        for (; column + LANES <= count; column += LANES) {
            if (has_weights(from)) add_maps(from, LANES, maps + column * LANES, sum);
            for (size_t r = 0; r < ROWS; r++) from[r] += LANES;
        }
        add_maps(from, count - column, maps + column * LANES, sum);
        add_sums(sum, rows - row, sums + row * LANES);
    }
}

#undef ROWS
