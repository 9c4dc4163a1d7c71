// Loops of scoring, included by rows.h for each instruction set: numbers in fixed point, and tiles in which a lane is a
// query or a label, so that no lane's bits depend on another's. WIDTH says which instructions multiply pairs of 16-bit
// integers: 512 (AVX-512), 256 (AVX2) or 0 (whatever the compiler makes of vectors).

#define TILE 6

#if WIDTH == 256
#define LOW(x) __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7)
#define HIGH(x) __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15)
#define WHOLE(low, high) __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#endif

static float BODY(fix)(const float *x, size_t count, int16_t *y, size_t step) {
    V most = {0}, squares = {0};
#define LOOK(LOAD) V v = LOAD(x); squares += v * v; most = BODY(larger)((V)((I)v & 0x7fffffff), most)
    { EACH(count, LOOK(IN), LOOK(IN_PART)); }
#undef LOOK
    float top = BODY(greatest)(most), sum = BODY(sum)(squares), unit = 1.0f;
    if (sum != sum || top == __builtin_inff()) return __builtin_nanf("");       // it spoils whatever is read with it
    if (top < 0x1p-126f) return 0.0f;
    if (sum < 0x1p-80f || sum > 0x1p120f) {                                     // squares may have been lost
        unit = 1.0f / top;
        squares = (V){0};
#define SQUARE(LOAD) V v = LOAD(x) * unit; squares += v * v
        { EACH(count, SQUARE(IN), SQUARE(IN_PART)); }
#undef SQUARE
        sum = BODY(sum)(squares);
    }
    float factor = DSEG_FIXED_LENGTH / __builtin_sqrtf(sum), limit = 32767.0f / (top * unit);
    factor = factor < limit ? factor : limit;                // no number alone may pass 2^15
#define ROUNDED(x) ((x) * unit * factor + 12582912.0f)       // 1.5 * 2^23: the last bit is 1
    if (step == 2) {
        EACH(count, *(H *)(y + i) = __builtin_convertvector((I)ROUNDED(IN(x)), H),
             BODY(store_halves)((uint16_t *)y + i, (I)ROUNDED(IN_PART(x)), n));
    } else {
        for (size_t i = 0; i < count; i++) y[i / 2 * step + i % 2] = (int16_t)(ROUNDED(x[i]) - 12582912.0f);
    }
#undef ROUNDED
    return 1.0f / factor / unit;
}

static float BODY(level)(const float *x, size_t count, uint16_t *y) {
    V most = {0}, bad = {0};
#define LOOK(LOAD) V v = LOAD(x); most = BODY(larger)(v, most); bad += v * 0.0f
    { EACH(count, LOOK(IN), LOOK(IN_PART)); }
#undef LOOK
    float top = BODY(greatest)(most), unknown = BODY(sum)(bad);
    if (unknown != 0.0f || top < 0x1p-110f) {
        __builtin_memset(y, 0, count * sizeof(uint16_t));
        return unknown;
    }
    float factor = 65535.0f / top;
#define LEVELS(LOAD) __builtin_convertvector(LOAD(x) * factor + 0.5f, I)
    EACH(count, *(H *)(y + i) = __builtin_convertvector(LEVELS(IN), H), BODY(store_halves)(y + i, LEVELS(IN_PART), n));
#undef LEVELS
    return top / 65535.0f;
}

static void BODY(widen_levels)(const uint16_t *x, float *y, size_t count) {
    uint16_t part[LANES] = {0};
#define WIDE(x) __builtin_convertvector(__builtin_convertvector(*(const H *)(x), I), V)
    EACH(count, OUT(y, WIDE(x + i)), __builtin_memcpy(part, x + i, n * sizeof(uint16_t)); OUT_PART(y, WIDE(part)));
#undef WIDE
}

/// sum + a[0] b[0] + a[1] b[1] of the pairs of 16-bit integers in each lane.
INLINE I BODY(add_pairs)(I sum, I a, I b) {
#if defined(VNNI)
    return (I)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif WIDTH == 512
    return sum + (I)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif WIDTH == 256
    typedef int quarter __attribute__((vector_size(32)));
    quarter low = (quarter)_mm256_madd_epi16((__m256i)LOW(a), (__m256i)LOW(b));
    quarter high = (quarter)_mm256_madd_epi16((__m256i)HIGH(a), (__m256i)HIGH(b));
    return sum + WHOLE(low, high);
#else
    return sum + ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
#endif
}

static void BODY(score)(const int16_t *queries, const float *query_scales, const int16_t *keys, const float *key_scales,
                        size_t count, size_t pairs, const int32_t *positions, size_t position_count, float share,
                        float *scores, float *map) {
    V rate = BODY(load)(query_scales), top = BODY(all)(-__builtin_inff()), total = {0}, chosen = {0};
    for (size_t key = 0; key < count; key += TILE) {
        I sum[TILE] = {{0}};
        const int16_t *row[TILE];
        for (size_t r = 0; r < TILE; r++) row[r] = keys + 2 * pairs * (key + r < count ? key + r : count - 1);
        for (size_t p = 0; p < pairs; p++) {
            I q = *(const I *)(queries + p * 2 * LANES);
#pragma clang loop unroll(full)
            for (size_t r = 0; r < TILE; r++) {
                int32_t pair;
                __builtin_memcpy(&pair, row[r] + 2 * p, sizeof pair);
                sum[r] = BODY(add_pairs)(sum[r], q, (I){0} + pair);
            }
        }
        size_t rows = count - key < TILE ? count - key : TILE;
        for (size_t r = 0; r < rows; r++) {
            V s = __builtin_convertvector(sum[r], V) * (rate * key_scales[key + r]);
            top = BODY(select)(s > top, s, top);
            BODY(store)(scores + (key + r) * LANES, s);
        }
    }
    for (size_t key = 0; key < count; key++) {
        V e = BODY(power_of_two)(BODY(load)(scores + key * LANES) - top);
        BODY(store)(scores + key * LANES, e);
        total += e;
    }
    for (size_t i = 0; i < position_count; i++) chosen += BODY(load)(scores + (size_t)positions[i] * LANES);
    BODY(store)(map, BODY(load)(map) + chosen / total * share);
}

#undef TILE
#undef LOW
#undef HIGH
#undef WHOLE
