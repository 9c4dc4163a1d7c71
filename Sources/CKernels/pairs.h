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

INLINE void BODY(tile_of_pairs)(size_t rows, const dseg_pair_product *p, size_t row) {
    I sums[PAIR_ROWS];
    const int32_t *x = p->x + row * p->x_stride;
    int32_t *c = p->c + row * p->c_stride;
    for (size_t r = 0; r < rows; r++) sums[r] = p->adding ? *(const I *)(c + r * p->c_stride) : (I){0};
    for (size_t k = 0; k < p->pairs; k++) {
        I w = *(const I *)(p->panel + k * LANES);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) sums[r] = BODY(add_pairs)(sums[r], w, (I){0} + x[r * p->x_stride + k]);
    }
    for (size_t r = 0; r < rows; r++) *(I *)(c + r * p->c_stride) = sums[r];
}

static void BODY(product_of_pairs)(const dseg_pair_product *product) {
    dseg_pair_product p = *product;
    size_t row = 0;
    for (; row + PAIR_ROWS <= p.rows; row += PAIR_ROWS) BODY(tile_of_pairs)(PAIR_ROWS, &p, row);
    for (; row + 4 <= p.rows; row += 4) BODY(tile_of_pairs)(4, &p, row);
    for (; row < p.rows; row++) BODY(tile_of_pairs)(1, &p, row);
}

/// y <- c scaled, plus bias unless it is NULL, plus y when `adding`: one row of sixteen outputs, or `columns` of them.
INLINE void BODY(release_row)(const dseg_release *p, size_t row, size_t columns) {
    V v = __builtin_convertvector(*(const I *)(p->c + row * p->c_stride), V);
    v *= BODY(load)(p->column_scales) * p->row_scales[row * p->row_scales_stride];
    float *y = p->y + row * p->y_stride;
    if (columns == LANES) {
        if (p->bias) v += BODY(load)(p->bias);
        if (p->adding) v += BODY(load)(y);
        BODY(store)(y, v);
    } else {
        if (p->bias) v += BODY(load_part)(p->bias, columns);
        if (p->adding) v += BODY(load_part)(y, columns);
        BODY(store_part)(y, v, columns);
    }
}

static void BODY(release)(const dseg_release *p) {
    if (p->columns == LANES)
        for (size_t row = 0; row < p->rows; row++) BODY(release_row)(p, row, LANES);
    else
        for (size_t row = 0; row < p->rows; row++) BODY(release_row)(p, row, p->columns);
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
/// rows of `count` numbers, that end with zeros up to a multiple of sixteen: v [pieces, 36, piece], frequencies `stride`
/// numbers apart, pieces 36 times that. scratch [36, count rounded up to lanes]; scales [36]
static void BODY(winograd_input_rows)(const float *const *pixels, size_t count, size_t piece, float *scratch,
                                      int16_t *v, size_t stride, float *scales) {
    V squares[36] = {{0}};
    size_t length = (count + LANES - 1) / LANES * LANES;
    for (size_t i = 0; i < count; i += LANES) {
        V d[36];
        BODY(winograd_inputs_of)(pixels, i, count - i < LANES ? count - i : LANES, d);
        for (size_t j = 0; j < 36; j++) {
            BODY(store)(scratch + j * length + i, d[j]);
            squares[j] += d[j] * d[j];
        }
    }
    for (size_t j = 0; j < 36; j++) {
        float norm = __builtin_sqrtf(BODY(sum)(squares[j]));
        float factor = norm > 0.0f ? SHORT_LENGTH / norm : norm;       // NaN stays NaN
        scales[j] = norm / SHORT_LENGTH;
        for (size_t i = 0; i < length; i += LANES) {
            I bits = (I)(BODY(load)(scratch + j * length + i) * factor + ROUNDING);
            *(H *)(v + (i / piece * 36 + j) * stride + i % piece) = __builtin_convertvector(bits, H);
        }
    }
}

/// The transform of `count` inputs of sixteen outputs, in pairs: nine positions of a panel, `step` elements apart, to
/// u [36, ceil(count / 2), 16], frequencies `stride` pairs apart; factors [36, 16].
static void BODY(winograd_weight_pairs)(const float *panel, size_t step, size_t count, const float *factors,
                                        int32_t *u, size_t stride) {
    for (size_t i = 0; i < count; i += 2) {
        V earlier[36], later[36] = {{0}};
        BODY(winograd_weights_of)(panel + i * LANES, step, earlier);
        if (i + 1 < count) BODY(winograd_weights_of)(panel + (i + 1) * LANES, step, later);
        for (size_t j = 0; j < 36; j++) {
            V factor = BODY(load)(factors + j * LANES);
            *(I *)(u + j * stride + i / 2 * LANES) = BODY(paired)(earlier[j] * factor, later[j] * factor);
        }
    }
}

/// squares <- squares + the squares of the transform of `count` inputs, largest <- the largest magnitude; [36, 16] both.
static void BODY(winograd_weight_norms)(const float *panel, size_t step, size_t count, float *squares, float *largest) {
    for (size_t i = 0; i < count; i++) {
        V u[36];
        BODY(winograd_weights_of)(panel + i * LANES, step, u);
        for (size_t j = 0; j < 36; j++) {
            V magnitude = (V)((I)u[j] & 0x7fffffff);
            BODY(store)(squares + j * LANES, BODY(load)(squares + j * LANES) + u[j] * u[j]);
            BODY(store)(largest + j * LANES, BODY(larger)(magnitude, BODY(load)(largest + j * LANES)));
        }
    }
}

static void BODY(release_frequencies)(const int32_t *c, size_t stride, const float *row_scales,
                                      const float *column_scales, float *y) {
    for (size_t j = 0; j < 36; j++) {
        V v = __builtin_convertvector(*(const I *)(c + j * stride), V);
        BODY(store)(y + j * LANES, v * (BODY(load)(column_scales + j * LANES) * row_scales[j]));
    }
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

/// Probabilities, none above 1, to integers that add up to `total`, or fewer, and half a unit for each: in place, in the
/// front half. Returns what a unit is.
static float BODY(fix_probabilities)(float *p, size_t count, float total) {
    V sums = {0};
    { EACH(count, sums += IN(p), sums += IN_PART(p)); }
    float sum = BODY(sum)(sums);
    if (!(sum > 0.0f)) return sum;
    float factor = total / sum;
    factor = factor < 32767.0f ? factor : 32767.0f;
    int16_t *y = (int16_t *)p, part[LANES];
#define LEVELS(LOAD) __builtin_convertvector((I)(LOAD(p) * factor + ROUNDING), H)
    EACH(count, H levels = LEVELS(IN); __builtin_memcpy(y + i, &levels, sizeof levels),
         H levels = LEVELS(IN_PART); __builtin_memcpy(part, &levels, sizeof part);
         __builtin_memcpy(y + i, part, n * sizeof(int16_t)));
#undef LEVELS
    if (count % 2) y[count] = 0;
    return 1.0f / factor;
}

#undef H
#undef PAIR_ROWS
#undef ROUNDING
#undef SHORT_LENGTH

static const dseg_pair_kernels BODY(pairs) = {
    BODY(product_of_pairs), BODY(release), BODY(winograd_input_rows), BODY(winograd_weight_pairs),
    BODY(winograd_weight_norms), BODY(release_frequencies), BODY(panel_norms), BODY(panel_pairs), BODY(fix_probabilities),
};
