// Numbers to 16-bit integers and back. Included after lanes-inl.h.

/// y ← the first `count` rounded numbers, in pairs that lie `step` apart.
INLINE void scatter_pairs(int16_t *y, size_t step, f32x16 rounded, size_t count) {
    u16x16 halves = __builtin_convertvector((i32x16)rounded, u16x16);
    int16_t integers[LANES];
    __builtin_memcpy(integers, &halves, sizeof halves);
    for (size_t i = 0; i + 2 <= count; i += 2, y += step) __builtin_memcpy(y, integers + i, 2 * sizeof *y);
    if (count % 2) *y = integers[count - 1];
}

static float quantize(const float *x, size_t count, int16_t *y, size_t step) {
    f32x16 most = {0}, squares = {0};
#define MEASURE(LOAD) \
    f32x16 v = LOAD(x); \
    squares += v * v; \
    most = larger(magnitude(v), most)
    { EACH(count, MEASURE(IN), MEASURE(IN_PART)); }
#undef MEASURE
    float top = greatest_of(most), sum = sum_of(squares), unit = 1.0f;
    if (sum != sum || top == __builtin_inff()) return __builtin_nanf("");  // and so are all products
    if (top < 0x1p-126f) return 0.0f;
    if (sum < 0x1p-80f || sum > 0x1p120f) {  // squares under- or overflowed
        unit = 1.0f / top;
        squares = (f32x16){0};
#define SQUARE(LOAD) \
    f32x16 v = LOAD(x) * unit; \
    squares += v * v
        { EACH(count, SQUARE(IN), SQUARE(IN_PART)); }
#undef SQUARE
        sum = sum_of(squares);
    }
    float factor = DSEG_FIXED_LENGTH / __builtin_sqrtf(sum), limit = 32767.0f / (top * unit);
    factor = factor < limit ? factor : limit;  // no number overflows 16 bits
#define ROUNDED(x) (unit * (x)*factor + ROUNDING)
    if (step == 2) {
        EACH(count, *(u16x16 *)(y + i) = __builtin_convertvector((i32x16)ROUNDED(IN(x)), u16x16),
             store_halves((uint16_t *)y + i, (i32x16)ROUNDED(IN_PART(x)), n));
    } else {
        EACH(count, scatter_pairs(y + i / 2 * step, step, ROUNDED(IN(x)), LANES),
             scatter_pairs(y + i / 2 * step, step, ROUNDED(IN_PART(x)), n));
    }
#undef ROUNDED
    return 1.0f / factor / unit;
}

static float quantize_unsigned(const float *x, size_t count, bool roots, uint16_t *y) {
    f32x16 most = {0}, bad = {0};
#define MEASURE(LOAD) \
    f32x16 v = LOAD(x); \
    most = larger(v, most); \
    bad += v * 0.0f
    { EACH(count, MEASURE(IN), MEASURE(IN_PART)); }
#undef MEASURE
    float top = greatest_of(most), unknown = sum_of(bad);
    if (unknown != 0.0f || top < 0x1p-110f) {
        __builtin_memset(y, 0, count * sizeof(uint16_t));
        return unknown;
    }
#define LEVELS(OF) \
    EACH(count, *(u16x16 *)(y + i) = __builtin_convertvector(OF(IN), u16x16), store_halves(y + i, OF(IN_PART), n))
#define ROUNDED(v) __builtin_convertvector((v) + 0.5f, i32x16)
    if (roots) {
#define ROOT(LOAD) ROUNDED(__builtin_elementwise_sqrt(LOAD(x) / top) * 65535.0f)
        LEVELS(ROOT);
#undef ROOT
        return __builtin_sqrtf(top) / 65535.0f;
    }
    float factor = 65535.0f / top;
#define LINEAR(LOAD) ROUNDED(LOAD(x) * factor)
    LEVELS(LINEAR);
#undef LINEAR
#undef ROUNDED
#undef LEVELS
    return top / 65535.0f;
}

/// Rounds two numbers of each lane to a pair of integers, the earlier in the lower half.
INLINE i32x16 paired(f32x16 earlier, f32x16 later) {
    return ((i32x16)(earlier + ROUNDING) & 0xffff) | (i32x16)(later + ROUNDING) << 16;
}

static void panel_norms(const float *panel, size_t count, float *squares, float *largest) {
    f32x16 sum = load(squares), top = load(largest);
    for (size_t i = 0; i < count; i++) {
        f32x16 w = load(panel + i * LANES);
        sum += w * w;
        top = larger(magnitude(w), top);
    }
    store(squares, sum);
    store(largest, top);
}

static void quantize_panel(const float *panel, size_t count, const float *factors, int32_t *pairs) {
    f32x16 factor = load(factors);
    for (size_t i = 0; i < count; i += 2) {
        f32x16 later = i + 1 < count ? load(panel + (i + 1) * LANES) : (f32x16){0};
        *(i32x16 *)(pairs + i / 2 * LANES) = paired(load(panel + i * LANES) * factor, later * factor);
    }
}

static void quantize_probabilities(float *p, size_t count, float factor, float *mean, float rate) {
    uint16_t *y = (uint16_t *)p;
#define INTEGERS(v, n) store_halves(y + i, (i32x16)(factor * (v) + ROUNDING), n)
    if (mean) {
        EACH(count, f32x16 v = IN(p); OUT(mean, IN(mean) + v * rate); INTEGERS(v, LANES), f32x16 v = IN_PART(p);
             OUT_PART(mean, IN_PART(mean) + v * rate); INTEGERS(v, n));
    } else {
        EACH(count, f32x16 v = IN(p); INTEGERS(v, LANES), f32x16 v = IN_PART(p); INTEGERS(v, n));
    }
#undef INTEGERS
    if (count % 2) y[count] = 0;
}

/// The larger magnitude of the two 16-bit integers of each lane.
INLINE i32x16 larger_of_pairs(i32x16 pairs) {
    i32x16 first = (pairs << 16) >> 16, second = pairs >> 16;
    return __builtin_elementwise_max(__builtin_elementwise_abs(first), __builtin_elementwise_abs(second));
}

static void cross_row(int32_t *pairs, size_t count) {
    i32x16 sums = {0}, most = {0};
    for (size_t i = 0; i < count; i += LANES) {
        i32x16 v = (i32x16)load_part((const float *)pairs + i, count - i < LANES ? count - i : LANES);
        i32x16 next =
            __builtin_shufflevector(v, (i32x16){0}, 1, 16, 3, 16, 5, 16, 7, 16, 9, 16, 11, 16, 13, 16, 15, 16);
        sums = add_pairs(sums, v, next);
        most = __builtin_elementwise_max(most, larger_of_pairs(v));
    }
    pairs[count] = pairs[count + 1] = 0;
    for (size_t i = 0; i < LANES; i++) {
        pairs[count] = (int32_t)((uint32_t)pairs[count] + (uint32_t)sums[i]);
        if (most[i] > pairs[count + 1]) pairs[count + 1] = most[i];
    }
}

static void cross_panel(int32_t *pairs, size_t count) {
    i32x16 sums = {0}, most = {0};
    for (size_t i = 0; i < count; i++) {
        i32x16 v = *(const i32x16 *)(pairs + i * LANES);
        if (i % 2) sums = add_pairs(sums, *(const i32x16 *)(pairs + (i - 1) * LANES), v);
        most = __builtin_elementwise_max(most, larger_of_pairs(v));
    }
    *(i32x16 *)(pairs + count * LANES) = sums;
    *(i32x16 *)(pairs + (count + 1) * LANES) = most;
}
