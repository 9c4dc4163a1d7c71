// Products of 16-bit integers in pairs with panels of sixteen outputs, with 32-bit accumulators: two multiply-adds to a
// lane where f32 has one. Included after lanes-inl.h.
//
// A microkernel multiplies a tile of rows of x by one panel of weights:
//
//     k ->                panel [pairs, 16]
//     x [rows, pairs]     c [rows, 16], in registers until the panel's pairs are through
//
// Integers are scaled so that no accumulator overflows (DSEG_FIXED_LENGTH): sums are exact in any order.

/// The most rows of a tile: their sums fit the registers, beside a row of weights and a broadcast of x.
#if WIDTH == 512
#define INT16_ROWS 16
#else
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
/// not hide the latency of a multiply-add.
INLINE size_t tile_height(size_t rows) {
    if (rows <= INT16_ROWS) return rows;
    return rows < INT16_ROWS + 4 ? rows / 2 : INT16_ROWS;
}

#define HEIGHT(rows) \
    case rows: microkernel_int16(rows, &p, row); break;

static void gemm_int16(const dseg_pair_product *product) {
    dseg_pair_product p = *product;
    for (size_t row = 0, height; row < p.rows; row += height) {
        height = tile_height(p.rows - row);
        switch (height) {
            HEIGHT(1)
            HEIGHT(2)
            HEIGHT(3)
            HEIGHT(4)
            HEIGHT(5)
            HEIGHT(6)
#if WIDTH == 512
            HEIGHT(7)
            HEIGHT(8)
            HEIGHT(9)
            HEIGHT(10)
            HEIGHT(11)
            HEIGHT(12)
            HEIGHT(13)
            HEIGHT(14)
            HEIGHT(15)
            HEIGHT(16)
#endif
        }
    }
}

#undef INT16_ROWS
#undef AHEAD
#undef HEIGHT
#undef LOW
#undef HIGH
#undef WHOLE
