// Sixteen lanes of one instruction set, and what is computed of them. rows.c includes this and the files that build on
// it once for each instruction set, with BODY(name) naming the functions: the same text is the portable body and the
// wide ones, and lanes are added in the same order in all.

#define LANES 16
typedef float BODY(lanes) __attribute__((vector_size(64), aligned(4)));
typedef int32_t BODY(integers) __attribute__((vector_size(64), aligned(4)));
/// For arrays of lanes: where one lies across two cache lines, it is read back late.
#define ALIGNED _Alignas(64)
#define V BODY(lanes)
#define I BODY(integers)
typedef uint16_t BODY(shorts) __attribute__((vector_size(32), aligned(2)));
#define H BODY(shorts)
#define INLINE static inline __attribute__((always_inline))

INLINE V BODY(load)(const float *x) { return *(const V *)x; }
INLINE void BODY(store)(float *y, V x) { *(V *)y = x; }
// Parts: the first `count` lanes, others are zeros.
#if WIDTH == 512
#define FIRST(count) ((__mmask16)((1u << (count)) - 1))
INLINE V BODY(load_part)(const float *x, size_t count) { return (V)_mm512_maskz_loadu_ps(FIRST(count), x); }
INLINE void BODY(store_part)(float *y, V x, size_t count) { _mm512_mask_storeu_ps(y, FIRST(count), (__m512)x); }
#else
INLINE V BODY(load_part)(const float *x, size_t count) {
    V v = {0};
    __builtin_memcpy(&v, x, count * sizeof(float));
    return v;
}
INLINE void BODY(store_part)(float *y, V x, size_t count) { __builtin_memcpy(y, &x, count * sizeof(float)); }
#endif
/// y [count] <- the lower halves of the first lanes.
INLINE void BODY(store_halves)(uint16_t *y, I x, size_t count) {
    H halves = __builtin_convertvector(x, H);
#if WIDTH == 512
    _mm256_mask_storeu_epi16(y, FIRST(count), (__m256i)halves);
#else
    __builtin_memcpy(y, &halves, count * sizeof(uint16_t));
#endif
}
INLINE V BODY(all)(float x) { return (V){0} + x; }
INLINE V BODY(select)(I mask, V a, V b) { return (V)((mask & (I)a) | (~mask & (I)b)); }
// Where one is NaN, the second.
#if WIDTH == 512
INLINE V BODY(larger)(V a, V b) { return (V)_mm512_max_ps((__m512)a, (__m512)b); }
INLINE V BODY(smaller)(V a, V b) { return (V)_mm512_min_ps((__m512)a, (__m512)b); }
#else
INLINE V BODY(larger)(V a, V b) { return BODY(select)(a > b, a, b); }
INLINE V BODY(smaller)(V a, V b) { return BODY(select)(a < b, a, b); }
#endif
/// The lanes, combined in halves: lane i with lane i + 8, then with i + 4, i + 2, i + 1.
#define HALVED(combine, x)                                                                                  \
    x = combine(x, __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));    \
    x = combine(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3));          \
    x = combine(x, __builtin_shufflevector(x, x, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1));          \
    x = combine(x, __builtin_shufflevector(x, x, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0))
#define ADDED(a, b) ((a) + (b))
INLINE float BODY(sum)(V x) {
    HALVED(ADDED, x);
    return x[0];
}
/// The largest lane; where some are NaN, one of the others or NaN.
INLINE float BODY(greatest)(V x) {
    HALVED(BODY(larger), x);
    return x[0];
}
#undef ADDED
#undef HALVED

/// exp(x), relative error below 2e-7; 0 below -87.3, at most exp(88), NaN for NaN.
INLINE V BODY(exponential)(V x) {
    I tiny = x < -87.3f, nothing = x != x;                    // NaN passes no bound: it is put back
    x = BODY(smaller)(BODY(larger)(x, BODY(all)(-87.3f)), BODY(all)(88.0f));
    V n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;      // rounds to the nearest integer
    V r = (x - n * 0.693359375f) - n * -2.12194440e-4f;       // ln 2 in two parts
    V p = BODY(all)(1.9875691500e-4f);                        // Cephes' expf
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    I power = (__builtin_convertvector(n, I) + 127) << 23;
    return (V)(((I)(p * (V)power) & ~tiny) | nothing);
}

/// 2^x for x <= 0, relative error below 2e-7 where it is a normal number; 0 below -150, NaN for NaN.
INLINE V BODY(power_of_two)(V x) {
#if WIDTH == 512
    x = BODY(larger)(BODY(all)(-150.0f), x);
    V n = (V)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    V r = x - n;
#else
    I tiny = x < -126.0f;
    x = BODY(select)(tiny, BODY(all)(-126.0f), x);
    V shifted = x + 12583039.0f;                             // 1.5 * 2^23 + 127: the last bits are an exponent
    V r = x - (shifted - 12583039.0f);
#endif
    V p = BODY(all)(1.535336188319500e-4f);                  // Cephes' exp2f
    p = p * r + 1.339887440266574e-3f;
    p = p * r + 9.618437357674640e-3f;
    p = p * r + 5.550332471162809e-2f;
    p = p * r + 2.402264791363012e-1f;
    p = p * r + 6.931472028550421e-1f;
    p = p * r + 1.0f;
#if WIDTH == 512
    return (V)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
    return (V)((I)(p * (V)((I)shifted << 23)) & ~tiny);
#endif
}

/// erf(x), absolute error below 3e-7: a rational of odd degree on [-4, 4] (the one Eigen uses).
INLINE V BODY(error_function)(V x) {
    x = BODY(smaller)(BODY(larger)(x, BODY(all)(-4.0f)), BODY(all)(4.0f));
    V s = x * x;
    V p = BODY(all)(-2.72614225801306e-10f);
    p = p * s + 2.77068142495902e-08f;
    p = p * s + -2.10102402082508e-06f;
    p = p * s + -5.69250639462346e-05f;
    p = p * s + -7.34990630326855e-04f;
    p = p * s + -2.95459980854025e-03f;
    p = p * s + -1.60960333262415e-02f;
    V q = BODY(all)(-1.45660718464996e-05f);
    q = q * s + -2.13374055278905e-04f;
    q = q * s + -1.68282697438203e-03f;
    q = q * s + -7.37332916720468e-03f;
    q = q * s + -1.42647390514189e-02f;
    return x * p / q;
}

INLINE V BODY(gated)(V x, float slope) { return x / (1.0f + BODY(exponential)(x * -slope)); }
INLINE V BODY(gelu_of)(V x) { return x * 0.5f * (1.0f + BODY(error_function)(x * 0.70710678118654752f)); }

/// Runs `statement` for i = 0, 16, ... with n lanes left, then once more with the tail.
#define EACH(count, whole, tail)                                                     \
    size_t i = 0;                                                                    \
    for (; i + LANES <= (count); i += LANES) { whole; }                              \
    if (i < (count)) { size_t n = (count) - i; tail; }
#define IN(x) BODY(load)((x) + i)
#define IN_PART(x) BODY(load_part)((x) + i, n)
#define OUT(y, v) BODY(store)((y) + i, v)
#define OUT_PART(y, v) BODY(store_part)((y) + i, v, n)
#define MAP(count, y, expression) \
    EACH(count, OUT(y, expression(IN)), OUT_PART(y, expression(IN_PART)))
