// Affinities whose weak links an entropy cuts. Included after lanes-inl.h.

static void largest_of_each(const float *x, float *most, size_t count) {
#define OF(LOAD) larger(LOAD(x), LOAD(most))
    MAP(count, most, OF)
#undef OF
}

static void sharpen(float *x, const float *most, float rate, size_t place, size_t count) {
    f64x16 total = {0};
#define STEP(LOAD, STORE) \
    f32x16 a = LOAD(x) / IN(most); \
    a = choose(a != 0, larger(broadcast(0.0f), a + rate * (1.0f + logarithm(a))), a); \
    STORE(x, a); \
    total += __builtin_convertvector(a, f64x16)
    { EACH(count, STEP(IN, OUT), STEP(IN_PART, OUT_PART)); }
#undef STEP
    double sum = 0;
    for (size_t lane = 0; lane < LANES; lane++) sum += total[lane];
    if (sum == 0) {
        x[place] = 1;
        return;
    }
    float whole = (float)sum;
#define OF(LOAD) (LOAD(x) / whole)
    MAP(count, x, OF)
#undef OF
}
