// Loops over one row, sixteen lanes at a time. Included by rows.c once for each instruction set, with BODY(name) naming
// the functions: the same text is the portable body and the wide ones, and lanes are added in the same order in all.

#define LANES 16
typedef float BODY(lanes) __attribute__((vector_size(64), aligned(4)));
typedef int32_t BODY(integers) __attribute__((vector_size(64), aligned(4)));
#define V BODY(lanes)
#define I BODY(integers)
#define INLINE static inline __attribute__((always_inline))

INLINE V BODY(load)(const float *x) { return *(const V *)x; }
INLINE void BODY(store)(float *y, V x) { *(V *)y = x; }
INLINE V BODY(load_part)(const float *x, size_t count) {
    V v = {0};
    __builtin_memcpy(&v, x, count * sizeof(float));
    return v;
}
INLINE void BODY(store_part)(float *y, V x, size_t count) { __builtin_memcpy(y, &x, count * sizeof(float)); }
INLINE V BODY(all)(float x) { return (V){0} + x; }
INLINE V BODY(select)(I mask, V a, V b) { return (V)((mask & (I)a) | (~mask & (I)b)); }
INLINE V BODY(larger)(V a, V b) { return BODY(select)(a > b, a, b); }
INLINE V BODY(smaller)(V a, V b) { return BODY(select)(a < b, a, b); }
INLINE float BODY(sum)(V x) {
    float part[LANES];
    BODY(store)(part, x);
    for (size_t width = LANES / 2; width > 0; width /= 2)
        for (size_t i = 0; i < width; i++) part[i] += part[i + width];
    return part[0];
}

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

static void BODY(softmax)(float *x, size_t count, float scale) {
    V largest = BODY(all)(-__builtin_inff());
    {
        EACH(count, largest = BODY(larger)(largest, IN(x)),
             for (; i < count; i++) largest[0] = largest[0] > x[i] ? largest[0] : x[i]; (void)n);
    }
    float top = largest[0];
    for (size_t lane = 1; lane < LANES; lane++) top = top > largest[lane] ? top : largest[lane];
    V total = {0};
    {
#define E_OF(LOAD) BODY(exponential)((LOAD(x) - top) * scale)
        EACH(count, V e = E_OF(IN); OUT(x, e); total += e,
             V e = E_OF(IN_PART); OUT_PART(x, e); total += BODY(load_part)(x + i, n));
#undef E_OF
    }
    float share = 1.0f / BODY(sum)(total);
#define OF(LOAD) (LOAD(x) * share)
    MAP(count, x, OF)
#undef OF
}

static void BODY(add_scaled)(const float *x, float a, float *y, size_t count) {
#define OF(LOAD) (LOAD(y) + LOAD(x) * a)
    MAP(count, y, OF)
#undef OF
}

static void BODY(blend)(const float *x, float a, float *y, float b, size_t count) {
#define OF(LOAD) (LOAD(x) * a + LOAD(y) * b)
    MAP(count, y, OF)
#undef OF
}

static void BODY(affine)(float *x, float a, float b, size_t count) {
#define OF(LOAD) (LOAD(x) * a + b)
    MAP(count, x, OF)
#undef OF
}

static float BODY(dot)(const float *x, const float *y, size_t count) {
    V total = {0};
    EACH(count, total += IN(x) * IN(y), total += IN_PART(x) * IN_PART(y));
    return BODY(sum)(total);
}

static void BODY(normalize)(const float *x, const float *gain, const float *shift, float *y, size_t count, bool silu) {
#define OF(LOAD) (LOAD(x) * LOAD(gain) + LOAD(shift))
#define SILU(LOAD) BODY(gated)(OF(LOAD), 1.0f)
    if (silu) {
        MAP(count, y, SILU)
    } else {
        MAP(count, y, OF)
    }
#undef SILU
#undef OF
}

static void BODY(layer_norm)(const float *x, const float *gamma, const float *beta, float *y, size_t count,
                             float epsilon) {
    V total = {0}, squares = {0};
    { EACH(count, total += IN(x), total += IN_PART(x)); }
    float mean = BODY(sum)(total) / (float)count;
    {
        EACH(count, V d = IN(x) - mean; squares += d * d,
             float d[LANES] = {0}; for (size_t j = 0; j < n; j++) d[j] = x[i + j] - mean;
             squares += BODY(load)(d) * BODY(load)(d));
    }
    float rate = 1.0f / __builtin_sqrtf(BODY(sum)(squares) / (float)count + epsilon);
#define OF(LOAD) ((LOAD(x) - mean) * rate * LOAD(gamma) + LOAD(beta))
    MAP(count, y, OF)
#undef OF
}

static void BODY(accumulate)(const float *x, const float *origin, float *sum, float *squares, size_t count) {
#define STEP(LOAD, STORE)                   \
    V d = LOAD(x) - LOAD(origin);           \
    STORE(sum, LOAD(sum) + d);              \
    STORE(squares, LOAD(squares) + d * d)
    EACH(count, STEP(IN, OUT), STEP(IN_PART, OUT_PART));
#undef STEP
}

static void BODY(sigmoid_gate)(float *x, float slope, size_t count) {
#define OF(LOAD) BODY(gated)(LOAD(x), slope)
    MAP(count, x, OF)
#undef OF
}

static void BODY(gelu)(float *x, size_t count) {
#define OF(LOAD) BODY(gelu_of)(LOAD(x))
    MAP(count, x, OF)
#undef OF
}

static void BODY(gelu_gate)(const float *h, const float *g, float *y, size_t count) {
#define OF(LOAD) (LOAD(h) * BODY(gelu_of)(LOAD(g)))
    MAP(count, y, OF)
#undef OF
}

#include "score_rows.h"
#include "paint_rows.h"

static const dseg_row_kernels BODY(rows) = {
    BODY(softmax), BODY(add_scaled), BODY(blend), BODY(affine), BODY(dot), BODY(normalize), BODY(layer_norm),
    BODY(accumulate), BODY(sigmoid_gate), BODY(gelu_gate), BODY(gelu), BODY(fix), BODY(level), BODY(widen_levels),
    BODY(score), BODY(weigh), BODY(sample), BODY(between), BODY(bounds), BODY(stretch), BODY(claim),
};

#undef V
#undef I
#undef INLINE
#undef LANES
#undef EACH
#undef IN
#undef IN_PART
#undef OUT
#undef OUT_PART
#undef MAP
