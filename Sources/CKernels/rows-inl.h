// Loops over one row. Included after lanes-inl.h.

static float largest(const float *x, size_t count) {
    f32x16 largest = broadcast(-__builtin_inff());
    EACH(count, largest = larger(IN(x), largest),
         for (; i < count; i++) largest[0] = x[i] > largest[0] ? x[i] : largest[0];
         (void)n);
    return greatest_of(largest);
}

static float exponentials(float *x, size_t count, float top, float scale) {
    f32x16 total = {0};
    float rate = scale * 1.44269504f;
#define E_OF(LOAD) power_of_two((LOAD(x) - top) * rate)
    EACH(count, f32x16 e = E_OF(IN); OUT(x, e); total += e, f32x16 e = E_OF(IN_PART); OUT_PART(x, e);
         total += load_part(x + i, n));
#undef E_OF
    return sum_of(total);
}

static void maximize(const float *x, float a, float *most, size_t count) {
#define STEP(LOAD, STORE) \
    f32x16 v = LOAD(x) * a; \
    STORE(most, choose(v == v, larger(v, LOAD(most)), v))
    EACH(count, STEP(IN, OUT), STEP(IN_PART, OUT_PART));
#undef STEP
}

static void cut(float *x, const dseg_cut *c, size_t count) {
    f32x16 total = load(c->total), threshold = broadcast(c->threshold);
    float rate = c->scale * 1.44269504f;
#define STEP(LOAD) \
    f32x16 v = power_of_two((LOAD(x) - c->top) * rate) * (LOAD(c->gains) * c->rate); \
    v = choose(v < threshold, (f32x16){0}, v)
    EACH(count, STEP(IN); OUT(x, v); total += v, STEP(IN_PART); OUT_PART(x, v); total += load_part(x + i, n));
#undef STEP
    store(c->total, total);
}

static void add_scaled(const float *x, float a, float *y, size_t count) {
#define OF(LOAD) (LOAD(y) + LOAD(x) * a)
    MAP(count, y, OF)
#undef OF
}

static void blend(const float *x, float a, float *y, float b, size_t count) {
#define OF(LOAD) (LOAD(x) * a + LOAD(y) * b)
    MAP(count, y, OF)
#undef OF
}

static void logarithms(const float *x, float *y, size_t count) {
#define OF(LOAD) logarithm(LOAD(x))
    MAP(count, y, OF)
#undef OF
}

static void affine(float *x, float a, float b, size_t count) {
#define OF(LOAD) (LOAD(x) * a + b)
    MAP(count, x, OF)
#undef OF
}

static void normalize(const float *x, const float *gain, const float *shift, float *y, size_t count, bool silu) {
#define OF(LOAD) (LOAD(x) * LOAD(gain) + LOAD(shift))
#define SILU(LOAD) gated(OF(LOAD), 1.0f)
    if (silu) {
        MAP(count, y, SILU)
    } else {
        MAP(count, y, OF)
    }
#undef SILU
#undef OF
}

static void layer_norm(const float *x, const float *gamma, const float *beta, float *y, size_t count, float epsilon) {
    f32x16 total = {0}, squares = {0};
    { EACH(count, total += IN(x), total += IN_PART(x)); }
    float mean = sum_of(total) / (float)count;
    {
        EACH(count, f32x16 d = IN(x) - mean; squares += d * d, float d[LANES] = {0};
             for (size_t j = 0; j < n; j++) d[j] = x[i + j] - mean; squares += load(d) * load(d));
    }
    float rate = 1.0f / __builtin_sqrtf(sum_of(squares) / (float)count + epsilon);
#define OF(LOAD) ((LOAD(x) - mean) * rate * LOAD(gamma) + LOAD(beta))
    MAP(count, y, OF)
#undef OF
}

static void accumulate(const float *x, const float *origin, float *sum, float *squares, size_t count) {
#define STEP(LOAD, STORE) \
    f32x16 d = LOAD(x) - LOAD(origin); \
    STORE(sum, LOAD(sum) + d); \
    STORE(squares, LOAD(squares) + d * d)
    EACH(count, STEP(IN, OUT), STEP(IN_PART, OUT_PART));
#undef STEP
}

static void sigmoid_gate(float *x, float slope, size_t count) {
#define OF(LOAD) gated(LOAD(x), slope)
    MAP(count, x, OF)
#undef OF
}

static void gelu(float *x, size_t count) {
#define OF(LOAD) gelu_of(LOAD(x))
    MAP(count, x, OF)
#undef OF
}

static void gelu_gate(const float *h, const float *g, float *y, size_t count) {
#define OF(LOAD) (LOAD(h) * gelu_of(LOAD(g)))
    MAP(count, y, OF)
#undef OF
}
