// Products with panels of sixteen outputs: of f32, and of 16-bit integers in pairs with 32-bit accumulators, two
// multiply-adds to a lane where f32 has one. Included after lanes-inl.h.
//
// A microkernel multiplies a tile of rows of x by one panel of weights:
//
//     k ->                 panel [inputs, 16]
//     x [rows, inputs]     c [rows, 16], in registers until the panel's block of inputs is through
//
// Every f32 element of c is one chain of multiply-adds in the order of the inputs, whatever the tile's height: the bits
// of a row depend on that row and the weights alone. Integers are scaled so that no accumulator overflows
// (DSEG_FIXED_LENGTH): sums are exact in any order.

/// The most rows of a tile: their sums fit the registers, beside a row of weights and a broadcast of x.
#if WIDTH == 512
#define F32_ROWS 8
#define INT16_ROWS 16
#else
#define F32_ROWS 6
#define INT16_ROWS 6
#endif

#if WIDTH == 256
#define LOW(x) __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7)
#define HIGH(x) __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15)
#define WHOLE(low, high) __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#endif

/// sum + a[0] b[0] + a[1] b[1] of the pairs of 16-bit integers in each lane.
INLINE i32x16 add_pairs(i32x16 sum, i32x16 a, i32x16 b) {
#if defined(VNNI)
    return (i32x16)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif WIDTH == 512
    return sum + (i32x16)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif WIDTH == 256
    typedef int quarter __attribute__((vector_size(32)));
    quarter low = (quarter)_mm256_madd_epi16((__m256i)LOW(a), (__m256i)LOW(b));
    quarter high = (quarter)_mm256_madd_epi16((__m256i)HIGH(a), (__m256i)HIGH(b));
    return sum + WHOLE(low, high);
#else
    return sum + ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
#endif
}

/// Prefetch distance in rows of a panel: the first tile of a panel reads it from memory.
#define AHEAD 64

INLINE void microkernel_f32(size_t rows, const dseg_product *p, size_t row) {
    f32x16 sums[F32_ROWS];
    const float *x = p->x + row * p->x_stride;
    float *c = p->c + row * p->c_stride;
    for (size_t r = 0; r < rows; r++) sums[r] = p->adding ? load(c + r * p->c_stride) : (f32x16){0};
    if (p->bias) {
        f32x16 bias = load(p->bias);
        for (size_t r = 0; r < rows; r++) sums[r] += bias;
    }
    for (size_t k = 0; k < p->inputs; k++) {
        __builtin_prefetch(p->panel + (k + AHEAD) * LANES);
        f32x16 w = load(p->panel + k * LANES);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) sums[r] += w * x[r * p->x_stride + k];
    }
    for (size_t r = 0; r < rows; r++) store(c + r * p->c_stride, sums[r]);
}

/// y ← sums scaled, plus bias unless it is NULL, plus y when `adding`: a row of sixteen outputs, or `columns` of them.
INLINE void dequantize(const dseg_dequantized *to, size_t row, size_t columns, i32x16 sums) {
    f32x16 v = __builtin_convertvector(sums, f32x16) * (load(to->column_scales) * to->row_scales[row]);
    float *y = to->y + row * to->y_stride;
    if (columns == LANES) {
        if (to->bias) v += load(to->bias);
        if (to->adding) v += load(y);
        store(y, v);
    } else {
        if (to->bias) v += load_part(to->bias, columns);
        if (to->adding) v += load_part(y, columns);
        store_part(y, v, columns);
    }
}

INLINE void microkernel_int16(size_t rows, const dseg_pair_product *p, size_t row) {
    i32x16 sums[INT16_ROWS];
    const int32_t *x = p->x + row * p->x_stride;
    int32_t *c = p->dequantized ? NULL : p->c + row * LANES;
    for (size_t r = 0; r < rows; r++) sums[r] = p->adding ? *(const i32x16 *)(c + r * LANES) : (i32x16){0};
    for (size_t k = 0; k < p->pairs; k++) {
        __builtin_prefetch(p->panel + (k + AHEAD) * LANES);
        i32x16 w = *(const i32x16 *)(p->panel + k * LANES);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) sums[r] = add_pairs(sums[r], w, (i32x16){0} + x[r * p->x_stride + k]);
    }
    const dseg_dequantized *to = p->dequantized;
#define EACH_ROW(statement) _Pragma("clang loop unroll(full)") for (size_t r = 0; r < rows; r++) statement
    if (!to) EACH_ROW(*(i32x16 *)(c + r * LANES) = sums[r];)
    else if (to->columns == LANES) EACH_ROW(dequantize(to, row + r, LANES, sums[r]);)
    else EACH_ROW(dequantize(to, row + r, to->columns, sums[r]);)
#undef EACH_ROW
}

/// The height of the next tile. Where a full tile would leave fewer than four rows, half of the rows: so few rows do
/// not hide the latency of FMA.
INLINE size_t tile_height(size_t rows, size_t most) {
    if (rows <= most) return rows;
    return rows < most + 4 ? rows / 2 : most;
}

#define HEIGHT(microkernel, rows) \
    case rows: \
        microkernel(rows, &p, row); \
        break;
#define SIX_HEIGHTS(microkernel) \
    HEIGHT(microkernel, 1) \
    HEIGHT(microkernel, 2) \
    HEIGHT(microkernel, 3) \
    HEIGHT(microkernel, 4) \
    HEIGHT(microkernel, 5) \
    HEIGHT(microkernel, 6)

static void gemm_f32(const dseg_product *product) {
    dseg_product p = *product;
    for (size_t row = 0, height; row < p.rows; row += height) {
        height = tile_height(p.rows - row, F32_ROWS);
        switch (height) {
            SIX_HEIGHTS(microkernel_f32)
#if WIDTH == 512
            HEIGHT(microkernel_f32, 7)
            HEIGHT(microkernel_f32, 8)
#endif
        }
    }
}

static void gemm_int16(const dseg_pair_product *product) {
    dseg_pair_product p = *product;
    for (size_t row = 0, height; row < p.rows; row += height) {
        height = tile_height(p.rows - row, INT16_ROWS);
        switch (height) {
            SIX_HEIGHTS(microkernel_int16)
#if WIDTH == 512
            HEIGHT(microkernel_int16, 7)
            HEIGHT(microkernel_int16, 8)
            HEIGHT(microkernel_int16, 9)
            HEIGHT(microkernel_int16, 10)
            HEIGHT(microkernel_int16, 11)
            HEIGHT(microkernel_int16, 12)
            HEIGHT(microkernel_int16, 13)
            HEIGHT(microkernel_int16, 14)
            HEIGHT(microkernel_int16, 15)
            HEIGHT(microkernel_int16, 16)
#endif
        }
    }
}

#undef F32_ROWS
#undef INT16_ROWS
#undef AHEAD
#undef HEIGHT
#undef SIX_HEIGHTS
#undef LOW
#undef HIGH
#undef WHOLE
