// Products of 16-bit integers in pairs, added up in 32 bits: two multiplications to a lane, where f32 has one. Included
// once for each instruction set, behind score_rows.h's add_pairs.
//
// Rows are scaled so that no sum of products of two of them passes 31 bits (score_rows.h, `fix`), so no order of adding
// matters and nothing is rounded: the bits of an answer depend on its row and its output alone.

#if WIDTH == 512
#define PAIR_ROWS 16
#else
#define PAIR_ROWS 6
#endif

/// y <- sums scaled, plus bias unless it is NULL, plus y when `adding`: a row of sixteen outputs, or `columns` of them.
INLINE void BODY(release)(const dseg_release *to, size_t row, size_t columns, I sums) {
    V v = __builtin_convertvector(sums, V) * (BODY(load)(to->column_scales) * to->row_scales[row]);
    float *y = to->y + row * to->y_stride;
    if (columns == LANES) {
        if (to->bias) v += BODY(load)(to->bias);
        if (to->adding) v += BODY(load)(y);
        BODY(store)(y, v);
    } else {
        if (to->bias) v += BODY(load_part)(to->bias, columns);
        if (to->adding) v += BODY(load_part)(y, columns);
        BODY(store_part)(y, v, columns);
    }
}

INLINE void BODY(tile_of_pairs)(size_t rows, const dseg_pair_product *p, size_t row) {
    I sums[PAIR_ROWS];
    const int32_t *x = p->x + row * p->x_stride;
    int32_t *c = p->release ? NULL : p->c + row * LANES;
    for (size_t r = 0; r < rows; r++) sums[r] = p->adding ? *(const I *)(c + r * LANES) : (I){0};
    for (size_t k = 0; k < p->pairs; k++) {
        __builtin_prefetch(p->panel + (k + AHEAD) * LANES);
        I w = *(const I *)(p->panel + k * LANES);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) sums[r] = BODY(add_pairs)(sums[r], w, (I){0} + x[r * p->x_stride + k]);
    }
    const dseg_release *release = p->release;
#define EACH_ROW(statement) _Pragma("clang loop unroll(full)") for (size_t r = 0; r < rows; r++) statement
    if (!release)
        EACH_ROW(*(I *)(c + r * LANES) = sums[r];)
    else if (release->columns == LANES)
        EACH_ROW(BODY(release)(release, row + r, LANES, sums[r]);)
    else
        EACH_ROW(BODY(release)(release, row + r, release->columns, sums[r]);)
#undef EACH_ROW
}

/// Rows of the next tile: no thin one is left, for it would wait for its own sums.
INLINE size_t BODY(pair_height)(size_t rows) {
    if (rows <= PAIR_ROWS) return rows;
    return rows < PAIR_ROWS + 4 ? rows / 2 : PAIR_ROWS;
}

static void BODY(product_of_pairs)(const dseg_pair_product *product) {
    dseg_pair_product p = *product;
#define TILE(height) case height: BODY(tile_of_pairs)(height, &p, row); break;
    for (size_t row = 0, height; row < p.rows; row += height) {
        height = BODY(pair_height)(p.rows - row);
        switch (height) {
        TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) TILE(6)
#if WIDTH == 512
        TILE(7) TILE(8) TILE(9) TILE(10) TILE(11) TILE(12) TILE(13) TILE(14) TILE(15) TILE(16)
#endif
        }
    }
#undef TILE
}

/// Adding this rounds to the nearest integer, whose last 16 bits are then the last 16 of the sum: 1.5 * 2^23.
#define ROUNDING 12582912.0f

/// Rows are scaled to this length where no look is taken at the largest number: none alone can pass 2^15.
#define SHORT_LENGTH 32700.0f

/// The pair of two integers in each lane, the earlier in the lower half.
INLINE I BODY(paired)(V earlier, V later) {
    return ((I)(earlier + ROUNDING) & 0xffff) | (I)(later + ROUNDING) << 16;
}

/// `pixels` are 36 pointers to a tile's `count` inputs, NULL where there are none. Their transform's 36 frequencies are
/// rows of `count` numbers that end with zeros up to a multiple of sixteen: v [pieces, 36, piece], frequencies `stride`
/// numbers apart, pieces 36 times that. scratch [36, count rounded up to lanes]; scales [36]
static void BODY(winograd_input_rows)(const float *const *pixels, size_t count, size_t piece, float *scratch,
                                      int16_t *v, size_t stride, float *scales) {
    size_t length = (count + LANES - 1) / LANES * LANES;
    for (size_t i = 0; i < count; i += LANES) {
        ALIGNED V d[36];
        BODY(winograd_inputs_of)(pixels, i, count - i < LANES ? count - i : LANES, d);
        for (size_t j = 0; j < 36; j++) BODY(store)(scratch + j * length + i, d[j]);
    }
    for (size_t j = 0; j < 36; j++) {
        V squares = {0};
        for (size_t i = 0; i < length; i += LANES) {
            V d = BODY(load)(scratch + j * length + i);
            squares += d * d;
        }
        float norm = __builtin_sqrtf(BODY(sum)(squares));
        float factor = norm > 0x1p-40f ? SHORT_LENGTH / norm : norm;   // below, squares are lost: zeros; NaN stays NaN
        scales[j] = norm / SHORT_LENGTH;
        for (size_t i = 0; i < length; i += LANES) {
            I bits = (I)(BODY(load)(scratch + j * length + i) * factor + ROUNDING);
            *(H *)(v + (i / piece * 36 + j) * stride + i % piece) = __builtin_convertvector(bits, H);
        }
    }
}

INLINE void BODY(winograd_pairs_of)(const dseg_kernels *k, dseg_number number, const float *factors, int32_t *u,
                                    size_t stride) {
    for (size_t i = 0; i < k->count; i += 2) {
        ALIGNED V earlier[18], later[18] = {{0}};
        BODY(winograd_half)(k, number, i, earlier);
        if (i + 1 < k->count) BODY(winograd_half)(k, number, i + 1, later);
        for (size_t j = 0; j < 6; j++) {
            ALIGNED V a[6], b[6];
            BODY(weights_of_side)(earlier + 3 * j, 1, a, 1);
            BODY(weights_of_side)(later + 3 * j, 1, b, 1);
            for (size_t n = 0; n < 6; n++) {
                V factor = BODY(load)(factors + (6 * j + n) * LANES);
                *(I *)(u + (6 * j + n) * stride + i / 2 * LANES) = BODY(paired)(a[n] * factor, b[n] * factor);
            }
        }
    }
}

/// u [36, ceil(inputs / 2), 16] <- the transform of kernels times factors [36, 16]; frequencies lie `stride` apart.
static void BODY(winograd_pairs)(const dseg_kernels *k, const float *factors, int32_t *u, size_t stride) {
    FOR_NUMBER(winograd_pairs_of, k, factors, u, stride)
}

/// Inputs whose half-way transforms are kept, so that a row's norms stay in registers meanwhile: where these hold them.
#if WIDTH == 512
#define HALVES 8
#else
#define HALVES 1
#endif

INLINE void BODY(winograd_norms_of)(const dseg_kernels *k, dseg_number number, float *squares, float *largest) {
    for (size_t i = 0; i < k->count; i += HALVES) {
        ALIGNED V halves[HALVES][18];
        size_t some = dseg_least(HALVES, k->count - i);
        for (size_t h = 0; h < some; h++) BODY(winograd_half)(k, number, i + h, halves[h]);
        for (size_t row = 0; row < 6; row++) {
            float *square = squares + row * 6 * LANES, *top = largest + row * 6 * LANES;
            ALIGNED V sums[6], tops[6], u[6];
            for (size_t j = 0; j < 6; j++) {
                sums[j] = BODY(load)(square + j * LANES);
                tops[j] = BODY(load)(top + j * LANES);
            }
            for (size_t h = 0; h < some; h++) {
                BODY(weights_of_side)(halves[h] + 3 * row, 1, u, 1);
#pragma clang loop unroll(full)
                for (size_t j = 0; j < 6; j++) {
                    sums[j] += u[j] * u[j];
                    tops[j] = BODY(larger)((V)((I)u[j] & 0x7fffffff), tops[j]);
                }
            }
            for (size_t j = 0; j < 6; j++) {
                BODY(store)(square + j * LANES, sums[j]);
                BODY(store)(top + j * LANES, tops[j]);
            }
        }
    }
}

#undef HALVES

/// squares <- squares + those of the transform of kernels, largest <- the largest magnitude; [36, 16] both.
static void BODY(winograd_norms)(const dseg_kernels *k, float *squares, float *largest) {
    FOR_NUMBER(winograd_norms_of, k, squares, largest)
}

static void BODY(winograd_released_outputs)(const int32_t *m, size_t stride, const float *row_scales,
                                            const float *column_scales, const dseg_outputs *to) {
    ALIGNED V d[36];
    for (size_t j = 0; j < 36; j++) {
        V v = __builtin_convertvector(*(const I *)(m + j * stride), V);
        d[j] = v * (BODY(load)(column_scales + j * LANES) * row_scales[j]);
    }
    BODY(put_outputs)(d, to);
}

static void BODY(panel_norms)(const float *panel, size_t count, float *squares, float *largest) {
    V sum = BODY(load)(squares), top = BODY(load)(largest);
    for (size_t i = 0; i < count; i++) {
        V w = BODY(load)(panel + i * LANES);
        sum += w * w;
        top = BODY(larger)((V)((I)w & 0x7fffffff), top);
    }
    BODY(store)(squares, sum);
    BODY(store)(largest, top);
}

static void BODY(panel_pairs)(const float *panel, size_t count, const float *factors, int32_t *pairs) {
    V factor = BODY(load)(factors);
    for (size_t i = 0; i < count; i += 2) {
        V later = i + 1 < count ? BODY(load)(panel + (i + 1) * LANES) : (V){0};
        *(I *)(pairs + i / 2 * LANES) = BODY(paired)(BODY(load)(panel + i * LANES) * factor, later * factor);
    }
}

static void BODY(fix_probabilities)(float *p, size_t count, float factor, float *mean, float rate) {
    uint16_t *y = (uint16_t *)p;
#define INTEGERS(v, n) BODY(store_halves)(y + i, (I)((v) * factor + ROUNDING), n)
    if (mean) {
        EACH(count, V v = IN(p); OUT(mean, IN(mean) + v * rate); INTEGERS(v, LANES),
             V v = IN_PART(p); OUT_PART(mean, IN_PART(mean) + v * rate); INTEGERS(v, n));
    } else {
        EACH(count, V v = IN(p); INTEGERS(v, LANES), V v = IN_PART(p); INTEGERS(v, n));
    }
#undef INTEGERS
    if (count % 2) y[count] = 0;
}

#undef PAIR_ROWS
#undef ROUNDING
#undef SHORT_LENGTH
#undef FOR_NUMBER

static const dseg_pair_kernels BODY(pairs) = {
    BODY(product_of_pairs), BODY(winograd_input_rows), BODY(winograd_pairs), BODY(winograd_norms),
    BODY(winograd_released_outputs), BODY(panel_norms), BODY(panel_pairs), BODY(fix_probabilities),
};
