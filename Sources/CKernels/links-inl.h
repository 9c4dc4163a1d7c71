// Attention as links between positions: balanced, and cut where it is weak. Included after lanes-inl.h.

/// x ← x over its sum, or zeros where that is 0.
static void normalize_sum(float *x, f64x16 lanes, size_t count) {
    double sum = 0;
    for (size_t lane = 0; lane < LANES; lane++) sum += lanes[lane];
    float whole = (float)sum;
    if (whole == 0) whole = __builtin_inff();
#define OF(LOAD) (LOAD(x) / whole)
    MAP(count, x, OF)
#undef OF
}

static void balance(float *x, const float *rates, size_t count) {
    f64x16 total = {0};
#define STEP(LOAD, STORE) \
    f32x16 a = LOAD(x) * LOAD(rates); \
    STORE(x, a); \
    total += __builtin_convertvector(a, f64x16)
    { EACH(count, STEP(IN, OUT), STEP(IN_PART, OUT_PART)); }
#undef STEP
    normalize_sum(x, total, count);
}

static void exceed(float *x, const float *least, size_t count) {
    f64x16 total = {0};
#define STEP(LOAD, STORE) \
    f32x16 a = larger(broadcast(0.0f), LOAD(x) - LOAD(least)); \
    STORE(x, a); \
    total += __builtin_convertvector(a, f64x16)
    { EACH(count, STEP(IN, OUT), STEP(IN_PART, OUT_PART)); }
#undef STEP
    normalize_sum(x, total, count);
}
