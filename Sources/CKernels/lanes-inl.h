// Vectors of sixteen lanes: loads, reductions, elementary functions. Included after WIDTH is defined and, for wide
// sets, after <immintrin.h>.
#include "include/weights.h"

#pragma clang diagnostic ignored "-Wpsabi"  // vectors pass between inlined functions only

#define LANES 16
typedef float f32x16 __attribute__((vector_size(64), aligned(4)));
typedef int32_t i32x16 __attribute__((vector_size(64), aligned(4)));
typedef int64_t i64x16 __attribute__((vector_size(128), aligned(8)));
typedef double f64x16 __attribute__((vector_size(128), aligned(8)));
typedef uint16_t u16x16 __attribute__((vector_size(32), aligned(2)));
/// Alignment for arrays of vectors: a load that crosses a cache line gets no store forwarding.
#define ALIGNED _Alignas(64)
/// 1.5 * 2^23, where floats have steps of 1: adding it rounds to nearest, and the low bits are those of the integer.
#define ROUNDING 0x1.8p23f
#define INLINE static inline __attribute__((always_inline))

INLINE f32x16 load(const float *x) { return *(const f32x16 *)x; }
INLINE void store(float *y, f32x16 x) { *(f32x16 *)y = x; }
INLINE f32x16 magnitude(f32x16 x) { return (f32x16)((i32x16)x & 0x7fffffff); }
// Partial loads and stores of the first `count` lanes; a load zeroes the others.
#if WIDTH == 512
#define FIRST(count) ((__mmask16)((1u << (count)) - 1))
INLINE f32x16 load_part(const float *x, size_t count) { return (f32x16)_mm512_maskz_loadu_ps(FIRST(count), x); }
INLINE void store_part(float *y, f32x16 x, size_t count) { _mm512_mask_storeu_ps(y, FIRST(count), (__m512)x); }
#else
INLINE f32x16 load_part(const float *x, size_t count) {
    f32x16 v = {0};
    __builtin_memcpy(&v, x, count * sizeof(float));
    return v;
}
INLINE void store_part(float *y, f32x16 x, size_t count) { __builtin_memcpy(y, &x, count * sizeof(float)); }
#endif
/// y [count] ← the lower halves of the first lanes.
INLINE void store_halves(uint16_t *y, i32x16 x, size_t count) {
    u16x16 halves = __builtin_convertvector(x, u16x16);
#if WIDTH == 512
    _mm256_mask_storeu_epi16(y, FIRST(count), (__m256i)halves);
#else
    __builtin_memcpy(y, &halves, count * sizeof(uint16_t));
#endif
}
INLINE f32x16 broadcast(float x) { return (f32x16){0} + x; }
INLINE f32x16 choose(i32x16 mask, f32x16 a, f32x16 b) { return (f32x16)((mask & (i32x16)a) | (~mask & (i32x16)b)); }
// As maxps and minps: the second operand where either is NaN.
#if WIDTH == 512
INLINE f32x16 larger(f32x16 a, f32x16 b) { return (f32x16)_mm512_max_ps((__m512)a, (__m512)b); }
INLINE f32x16 smaller(f32x16 a, f32x16 b) { return (f32x16)_mm512_min_ps((__m512)a, (__m512)b); }
#else
INLINE f32x16 larger(f32x16 a, f32x16 b) { return choose(a > b, a, b); }
INLINE f32x16 smaller(f32x16 a, f32x16 b) { return choose(a < b, a, b); }
#endif
/// A tree reduction: lane i with lane i + 8, then with i + 4, i + 2, i + 1.
#define REDUCE(combine, x) \
    x = combine(x, __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)); \
    x = combine(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3)); \
    x = combine(x, __builtin_shufflevector(x, x, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1)); \
    x = combine(x, __builtin_shufflevector(x, x, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0))
#define ADDED(a, b) ((a) + (b))
INLINE float sum_of(f32x16 x) {
    REDUCE(ADDED, x);
    return x[0];
}
/// The largest lane; where some lanes are NaN, NaN or any of the others.
INLINE float greatest_of(f32x16 x) {
    REDUCE(larger, x);
    return x[0];
}
#undef ADDED
#undef REDUCE

/// exp(x), relative error below 2e-7; 0 below -87.3, at most exp(88), NaN for NaN.
INLINE f32x16 exponential(f32x16 x) {
    i32x16 tiny = x < -87.3f, nothing = x != x;  // larger and smaller drop NaN
    x = smaller(larger(x, broadcast(-87.3f)), broadcast(88.0f));
    f32x16 n = (x * 1.44269504f + ROUNDING) - ROUNDING;
    f32x16 r = (x - n * 0.693359375f) - n * -2.12194440e-4f;  // ln 2 in two parts (Cody-Waite)
    f32x16 p = broadcast(1.9875691500e-4f);                   // Cephes' expf
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    i32x16 power = (__builtin_convertvector(n, i32x16) + 127) << 23;
    return (f32x16)(((i32x16)(p * (f32x16)power) & ~tiny) | nothing);
}

/// ln(x), relative error below 2e-7 for normal x > 0; below -86 for 0 and subnormal x, NaN for NaN, infinite for
/// infinity.
INLINE f32x16 logarithm(f32x16 x) {
    // x = 2^n (1 + r), 1 + r in sqrt(1/2) ... sqrt(2).
    i32x16 shifted = (i32x16)x - 0x3f3504f3;
    f32x16 n = __builtin_convertvector(shifted >> 23, f32x16);
    f32x16 r = (f32x16)((shifted & 0x007fffff) + 0x3f3504f3) - 1.0f;
    f32x16 s = r * r;
    f32x16 p = broadcast(7.0376836292e-2f);  // Cephes' logf
    p = p * r + -1.1514610310e-1f;
    p = p * r + 1.1676998740e-1f;
    p = p * r + -1.2420140846e-1f;
    p = p * r + 1.4249322787e-1f;
    p = p * r + -1.6668057665e-1f;
    p = p * r + 2.0000714765e-1f;
    p = p * r + -2.4999993993e-1f;
    p = p * r + 3.3333331174e-1f;
    f32x16 y = r + (p * r * s + (n * -2.12194440e-4f - 0.5f * s)) + n * 0.693359375f;  // ln 2 in two parts
    return choose(x < __builtin_inff(), y, x);
}

/// 2^x for x <= 0, relative error below 2e-7 where it is a normal number; 0 below -150, NaN for NaN.
INLINE f32x16 power_of_two(f32x16 x) {
#if WIDTH == 512
    x = larger(broadcast(-150.0f), x);
    f32x16 n = (f32x16)_mm512_roundscale_ps((__m512)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    f32x16 r = x - n;
#else
    i32x16 tiny = x < -126.0f;
    x = choose(tiny, broadcast(-126.0f), x);
    f32x16 shifted = x + (ROUNDING + 127.0f);  // the low bits: n + 127, the exponent
    f32x16 r = x - (shifted - (ROUNDING + 127.0f));
#endif
    f32x16 p = broadcast(1.535336188319500e-4f);  // Cephes' exp2f
    p = p * r + 1.339887440266574e-3f;
    p = p * r + 9.618437357674640e-3f;
    p = p * r + 5.550332471162809e-2f;
    p = p * r + 2.402264791363012e-1f;
    p = p * r + 6.931472028550421e-1f;
    p = p * r + 1.0f;
#if WIDTH == 512
    return (f32x16)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
    return (f32x16)((i32x16)(p * (f32x16)((i32x16)shifted << 23)) & ~tiny);
#endif
}

/// erf(x), absolute error below 3e-7: a rational function x P(x^2) / Q(x^2) on [-4, 4], Eigen's coefficients.
INLINE f32x16 error_function(f32x16 x) {
    x = smaller(larger(x, broadcast(-4.0f)), broadcast(4.0f));
    f32x16 s = x * x;
    f32x16 p = broadcast(-2.72614225801306e-10f);
    p = p * s + 2.77068142495902e-08f;
    p = p * s + -2.10102402082508e-06f;
    p = p * s + -5.69250639462346e-05f;
    p = p * s + -7.34990630326855e-04f;
    p = p * s + -2.95459980854025e-03f;
    p = p * s + -1.60960333262415e-02f;
    f32x16 q = broadcast(-1.45660718464996e-05f);
    q = q * s + -2.13374055278905e-04f;
    q = q * s + -1.68282697438203e-03f;
    q = q * s + -7.37332916720468e-03f;
    q = q * s + -1.42647390514189e-02f;
    return x * p / q;
}

INLINE f32x16 gated(f32x16 x, float slope) { return x / (1.0f + exponential(x * -slope)); }
INLINE f32x16 gelu_of(f32x16 x) { return x * 0.5f * (1.0f + error_function(x * 0.70710678118654752f)); }

#if WIDTH >= 256
static void widen_f16(const uint16_t *halves, float *y, size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(halves + i))));
    dseg_widen_f16(halves + i, y + i, count - i);
}
#else
static void widen_f16(const uint16_t *halves, float *y, size_t count) { dseg_widen_f16(halves, y, count); }
#endif

static void widen_bf16(const uint16_t *halves, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)halves[i] << 16;
        __builtin_memcpy(y + i, &bits, sizeof bits);
    }
}

/// Sixteen stored numbers from the `first` on.
INLINE f32x16 load_stored(const void *base, dseg_number number, size_t first) {
    const uint16_t *halves = (const uint16_t *)base + first;
    float widened[LANES];
    if (number == dseg_f32) return load((const float *)base + first);
    if (number == dseg_f16) {
#if WIDTH == 512
        return (f32x16)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
#else
        widen_f16(halves, widened, LANES);
#endif
    } else {
        widen_bf16(halves, widened, LANES);
    }
    return load(widened);
}

// EACH runs `whole` for every sixteen of `count` numbers, at i = 0, 16, ..., and `tail` for the n < 16 that remain.
// IN(x) loads and OUT(y, v) stores sixteen lanes at i, IN_PART and OUT_PART n of them. MAP stores to y an expression of
// a load, IN or in the tail IN_PART.
#define EACH(count, whole, tail) \
    size_t i = 0; \
    for (; i + LANES <= (count); i += LANES) { \
        whole; \
    } \
    if (i < (count)) { \
        size_t n = (count) - (i); \
        tail; \
    }
#define IN(x) load((x) + i)
#define IN_PART(x) load_part((x) + i, n)
#define OUT(y, v) store((y) + i, v)
#define OUT_PART(y, v) store_part((y) + i, v, n)
#define MAP(count, y, expression) EACH(count, OUT(y, expression(IN)), OUT_PART(y, expression(IN_PART)))
