// Products of bfloat16 numbers, added up in f32. Included once for each instruction set, and once more for the one that
// has an instruction for it.

/// A pair of bfloat16 numbers in each lane, the earlier input in the lower half.
INLINE V BODY(add_pairs)(V sum, uint32_t x, I w) {
#if defined(BF16)
    return (V)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32((int32_t)x), (__m512bh)w);
#else
    float even, odd;
    uint32_t even_bits = x << 16, odd_bits = x & 0xffff0000u;
    __builtin_memcpy(&even, &even_bits, sizeof even);
    __builtin_memcpy(&odd, &odd_bits, sizeof odd);
    return sum + (V)(w << 16) * even + (V)(w & (I){0} + (int32_t)0xffff0000) * odd;
#endif
}

INLINE void BODY(tile_of_pairs)(size_t rows, const dseg_pair_product *p, size_t row) {
    V sums[ROWS];
    const uint32_t *x = p->x + row * p->x_stride;
    float *c = p->c + row * p->c_stride;
    for (size_t r = 0; r < rows; r++) sums[r] = BODY(load)(c + r * p->c_stride);
    for (size_t k = 0; k < p->pairs; k++) {
        I w;
        __builtin_memcpy(&w, p->panel + k * LANES, sizeof w);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) sums[r] = BODY(add_pairs)(sums[r], x[r * p->x_stride + k], w);
    }
    for (size_t r = 0; r < rows; r++) BODY(store)(c + r * p->c_stride, sums[r]);
}

static void BODY(product_of_pairs)(const dseg_pair_product *product) {
    dseg_pair_product p = *product;
    size_t row = 0;
    for (; row + ROWS <= p.rows; row += ROWS) BODY(tile_of_pairs)(ROWS, &p, row);
    for (; row < p.rows; row++) BODY(tile_of_pairs)(1, &p, row);
}

/// Rounds to the nearest bfloat16, ties to even; NaN stays NaN.
static void BODY(narrow_bf16)(const float *x, uint16_t *halves, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        __builtin_memcpy(&bits, x + i, sizeof bits);
        uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
        halves[i] = (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40 : rounded);
    }
}

static const dseg_pair_kernels BODY(pairs) = {BODY(product_of_pairs), BODY(narrow_bf16)};
