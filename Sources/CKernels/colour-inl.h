// The colour kernel on an affinity, and the share of a map among maps. Included after lanes-inl.h.

static void weigh(float *x, const float *places, size_t stride, size_t place, size_t count) {
    f32x16 total = {0};
    float here[dseg_place_numbers];
    for (size_t k = 0; k < dseg_place_numbers; k++) here[k] = places[k * stride + place];
#define STEP(LOAD, STORE) \
    f32x16 distance = {0}; \
    for (size_t k = 0; k < dseg_place_numbers; k++) { \
        f32x16 d = LOAD(places + k * stride) - here[k]; \
        distance += d * d; \
    } \
    f32x16 y = LOAD(x) * power_of_two(-distance); \
    STORE(x, y); \
    total += y
    { EACH(count, STEP(IN, OUT), STEP(IN_PART, OUT_PART)); }
#undef STEP
    float sum = sum_of(total);
    if (sum == 0) {
        x[place] = 1;
        return;
    }
#define OF(LOAD) (LOAD(x) / sum)
    MAP(count, x, OF)
#undef OF
}

/// x^exponent in steps of 2^-50, by squaring.
INLINE i64x16 raised(f32x16 x, unsigned exponent) {
    f32x16 power = broadcast(0x1p50f);
    for (; exponent; exponent >>= 1, x *= x)
        if (exponent & 1) power *= x;
    return __builtin_convertvector(power, i64x16);
}

static void add_powers(const float *x, unsigned exponent, int64_t *sums, size_t count) {
    EACH(count, *(i64x16 *)(sums + i) += raised(IN(x), exponent), i64x16 power = raised(IN_PART(x), exponent);
         for (size_t j = 0; j < n; j++) sums[i + j] += power[j]);
}

static void share(float *x, unsigned exponent, const int64_t *sums, size_t count) {
#define SHARE(LOAD, SUM) \
    (LOAD(x) * (__builtin_convertvector(raised(LOAD(x), exponent), f32x16) / \
                larger(__builtin_convertvector(SUM, f32x16), broadcast(0x1p50f * 1e-9f))))
    EACH(count, OUT(x, SHARE(IN, *(const i64x16 *)(sums + i))), i64x16 sum = {0};
         __builtin_memcpy(&sum, sums + i, n * sizeof *sums); OUT_PART(x, SHARE(IN_PART, sum)));
#undef SHARE
}
