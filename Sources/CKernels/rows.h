// Loops over one row, sixteen lanes at a time: lanes.h says of what they are made.

static float BODY(largest)(const float *x, size_t count) {
    V largest = BODY(all)(-__builtin_inff());
    EACH(count, largest = BODY(larger)(IN(x), largest),
         for (; i < count; i++) largest[0] = x[i] > largest[0] ? x[i] : largest[0]; (void)n);
    return BODY(greatest)(largest);
}

static float BODY(exponentials)(float *x, size_t count, float top, float scale) {
    V total = {0};
    float rate = scale * 1.44269504f;
#define E_OF(LOAD) BODY(power_of_two)((LOAD(x) - top) * rate)
    EACH(count, V e = E_OF(IN); OUT(x, e); total += e,
         V e = E_OF(IN_PART); OUT_PART(x, e); total += BODY(load_part)(x + i, n));
#undef E_OF
    return BODY(sum)(total);
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
    BODY(largest), BODY(exponentials), BODY(add_scaled), BODY(blend), BODY(affine), BODY(normalize), BODY(layer_norm),
    BODY(accumulate), BODY(sigmoid_gate), BODY(gelu_gate), BODY(gelu), BODY(fix), BODY(level), BODY(widen_levels),
    BODY(score), BODY(sample), BODY(between), BODY(bounds), BODY(stretch), BODY(claim),
};
