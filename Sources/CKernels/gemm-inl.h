// Products of 16-bit integers in pairs with panels of sixteen outputs, with 32-bit accumulators: two multiply-adds to a
// lane where f32 has one. Included after lanes-inl.h.
//
// A microkernel multiplies a tile of rows of x by one panel of weights:
//
//     k ->                panel [pairs, 16]
//     x [rows, pairs]     c [rows, 16], in registers until the panel's pairs are through
//
// Integers are scaled so that no accumulator overflows (DSEG_FIXED_LENGTH): sums are exact in any order.
//
// Two pairs x, x' of a row and w, w' of an output can be multiplied crosswise (Winograd, "A new algorithm for inner
// product", 1968):
//
//     x w + x' w' = (x + w') (x' + w) - x x' - w w'
//
// That is one multiplication and two additions of 16-bit integers in place of two multiplications, which is faster
// where additions have more units. What is taken away belongs to a row or an output alone and is added up before
// (cross_row, cross_panel). Sums wrap around, and the whole is below 2^31: the bits are the same. Where a sum of two
// integers might leave 16 bits, their tile is multiplied straight.

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

#if defined(VNNI)
typedef int16_t i16x32 __attribute__((vector_size(64), aligned(4)));

/// x + w of the pairs of 16-bit integers in each lane.
INLINE i32x16 sum_of_pairs(int32_t x, i32x16 w) { return (i32x16)((i16x32)((i32x16){0} + x) + (i16x32)w); }

/// Adds to sums the products of all pairs that have a neighbour; returns how many these are.
INLINE size_t multiply_crosswise(size_t rows, const dseg_pair_product *p, const int32_t *x, i32x16 *sums) {
    i32x16 taken = *(const i32x16 *)(p->panel + p->pairs * LANES);
    for (size_t r = 0; r < rows; r++) sums[r] -= taken + x[r * p->x_stride + p->pairs];
    size_t k = 0;
    for (; k + 2 <= p->pairs; k += 2) {
        const int32_t *panel = p->panel + k * LANES;
        __builtin_prefetch(panel + AHEAD * LANES);
        __builtin_prefetch(panel + (AHEAD + 1) * LANES);
        i32x16 first = *(const i32x16 *)panel, second = *(const i32x16 *)(panel + LANES);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) {
            const int32_t *pairs = x + r * p->x_stride + k;
            i32x16 one = sum_of_pairs(pairs[0], second), other = sum_of_pairs(pairs[1], first);
            __asm__("vpdpwssd %2, %1, %0" : "+v"(sums[r]) : "v"(one), "v"(other));  // LLVM would split it in two
        }
    }
    return k;
}

/// Whether no sum of an integer of these rows and one of the panel leaves 16 bits.
INLINE bool is_narrow(size_t rows, const dseg_pair_product *p, size_t row, int32_t largest) {
    for (size_t r = row; r < row + rows; r++)
        if (p->x[r * p->x_stride + p->pairs + 1] + largest > INT16_MAX) return false;
    return true;
}

static int32_t largest_of_panel(const dseg_pair_product *p) {
    int32_t largest = 0;
    for (size_t i = 0; i < LANES; i++) {
        int32_t here = p->panel[(p->pairs + 1) * LANES + i];
        largest = here > largest ? here : largest;
    }
    return largest;
}
#endif

INLINE void microkernel_int16(size_t rows, const dseg_pair_product *p, size_t row, bool crosswise) {
    i32x16 sums[INT16_ROWS];
    const int32_t *x = p->x + row * p->x_stride;
    int32_t *c = p->dequantized ? NULL : p->c + row * LANES;
    for (size_t r = 0; r < rows; r++) sums[r] = p->adding ? *(const i32x16 *)(c + r * LANES) : (i32x16){0};
    size_t k = 0;
#if defined(VNNI)
    if (crosswise) k = multiply_crosswise(rows, p, x, sums);
#else
    (void)crosswise;
#endif
    for (; k < p->pairs; k++) {
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

/// Prefetches a share of the panel behind this one, as large as a tile's of the rows.
INLINE void prefetch_next(const dseg_pair_product *p, size_t row, size_t height) {
    const int32_t *next = p->panel + p->pairs * LANES;
    for (size_t k = row * p->pairs / p->rows; k < (row + height) * p->pairs / p->rows; k++)
        __builtin_prefetch(next + k * LANES, 0, 2);
}

#if defined(VNNI)
#define HEIGHT(rows) \
    case rows: \
        if (p.crossed && is_narrow(rows, &p, row, largest)) microkernel_int16(rows, &p, row, true); \
        else microkernel_int16(rows, &p, row, false); \
        break;
#else
#define HEIGHT(rows) \
    case rows: \
        microkernel_int16(rows, &p, row, false); \
        break;
#endif

static void gemm_int16(const dseg_pair_product *product) {
    dseg_pair_product p = *product;
#if defined(VNNI)
    int32_t largest = p.crossed ? largest_of_panel(&p) : 0;
#endif
    for (size_t row = 0, height; row < p.rows; row += height) {
        height = tile_height(p.rows - row);
        if (WIDTH == 512 && p.rows > INT16_ROWS) prefetch_next(&p, row, height);  // low tiles read no faster than AHEAD
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
