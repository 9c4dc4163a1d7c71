// Pixels by their nearest centres, a pixel in each lane. Included after lanes-inl.h.

/// Centres that are looked at together: their sums stay in registers, beside a number and its logarithm.
#if WIDTH == 512
#define CENTRES 8
#else
#define CENTRES 4
#endif

static void nearest(const dseg_centres *c, const float *pixels, int32_t *cluster) {
    f32x16 least = broadcast(__builtin_inff());
    i32x16 best = {0};
    for (size_t first = 0; first < c->count; first += CENTRES) {
        const float *number[CENTRES], *own[CENTRES];
        f32x16 sum[CENTRES] = {{0}};
        for (size_t r = 0; r < CENTRES; r++) {
            size_t row = (first + r < c->count ? first + r : c->count - 1) * c->tokens;
            number[r] = c->numbers + row, own[r] = c->logarithms + row;
        }
        for (size_t t = 0; t < c->tokens; t++) {
            f32x16 x = load(pixels + t * 2 * LANES), log = load(pixels + (t * 2 + 1) * LANES);
#pragma clang loop unroll(full)
            for (size_t r = 0; r < CENTRES; r++) sum[r] += (number[r][t] - x) * (own[r][t] - log);
        }
        for (size_t r = 0; r < CENTRES && first + r < c->count; r++) {
            i32x16 nearer = sum[r] < least;
            least = choose(nearer, sum[r], least);
            best = (nearer & (i32x16){0} + (int32_t)(first + r)) | (~nearer & best);
        }
    }
    *(i32x16 *)cluster = best;
}

#undef CENTRES
