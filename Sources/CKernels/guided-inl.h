// Rows of the guided filter. Included after lanes-inl.h.
//
// Planes of doubles hold whole multiples of a power of two below 2^53 times that power (guided.c): their sums are
// exact, in whatever order they are formed. Rows are padded to a multiple of eight columns.

typedef double f64x8 __attribute__((vector_size(64), aligned(8)));
typedef float f32x8 __attribute__((vector_size(32), aligned(4)));
typedef int32_t i32x8 __attribute__((vector_size(32), aligned(4)));
typedef int64_t i64x8 __attribute__((vector_size(64), aligned(8)));

INLINE f64x8 load_f64(const double *x) { return *(const f64x8 *)x; }
INLINE void store_f64(double *y, f64x8 x) { *(f64x8 *)y = x; }
INLINE f64x8 load_f32(const float *x) { return __builtin_convertvector(*(const f32x8 *)x, f64x8); }
INLINE f64x8 last_lane(f64x8 x) { return __builtin_shufflevector(x, x, 7, 7, 7, 7, 7, 7, 7, 7); }

/// Lane i: the sum of lanes 0...i, in three rounds (Hillis, Steele).
INLINE f64x8 prefix_sums(f64x8 x) {
    f64x8 none = {0};
    x += __builtin_shufflevector(none, x, 0, 8, 9, 10, 11, 12, 13, 14);
    x += __builtin_shufflevector(none, x, 0, 1, 8, 9, 10, 11, 12, 13);
    x += __builtin_shufflevector(none, x, 0, 1, 2, 3, 8, 9, 10, 11);
    return x;
}

/// Sums over the columns x - radius ... x + radius of four planes, `stride` apart, that begin and end with zeros.
typedef struct {
    const double *entering, *leaving;
    size_t stride;
    f64x8 before[4];
} running_box;

INLINE running_box box_of(const double *planes, size_t stride, size_t radius) {
    running_box box = {planes + radius, planes - radius - 1, stride, {{0}}};
    for (size_t k = 0; k < 4; k++) {
        f64x8 sum = {0};
        for (size_t end = 0; end < radius; end += 8) sum += load_f64(planes + k * stride + radius - 8 - end);
        box.before[k] = last_lane(prefix_sums(sum));
    }
    return box;
}

/// sums [4] ← those of columns x ..< x + 8, the ones after the last.
INLINE void step_box(running_box *box, size_t x, f64x8 *sums) {
#pragma clang loop unroll(full)
    for (size_t k = 0; k < 4; k++) {
        size_t place = k * box->stride + x;
        sums[k] = prefix_sums(load_f64(box->entering + place) - load_f64(box->leaving + place)) + box->before[k];
        box->before[k] = last_lane(sums[k]);
    }
}

static void guide_planes(const uint8_t *rgb, float *planes, size_t stride, size_t count) {
    for (size_t x = 0; x < count; x++)
        for (size_t c = 0; c < 3; c++) planes[c * stride + x] = (float)rgb[3 * x + c] * 0x1p-8f;
}

/// Eight numbers of a map as multiples of 2^-24, which beside 1.5 * 2^28 is a double's last bit.
INLINE f64x8 quantized_scores(const float *x) {
    f32x8 v = *(const f32x8 *)x;
    v = (f32x8)((i32x8)v & (v > 0));
    i32x8 above = v > 1;
    v = (f32x8)((~above & (i32x8)v) | (above & (i32x8)((f32x8){0} + 1)));
    return __builtin_convertvector(v, f64x8) + 0x1.8p28 - 0x1.8p28;
}

static void slide_moments(const float *in, const float *in_guide, const float *out, const float *out_guide,
                          size_t count, double *moments, size_t stride) {
    for (size_t x = 0; x < count; x += 8) {
        f64x8 enters = quantized_scores(in + x), leaves = quantized_scores(out + x);
        store_f64(moments + x, load_f64(moments + x) + (enters - leaves));
        for (size_t c = 0; c < 3; c++) {
            double *sums = moments + (c + 1) * stride + x;
            f64x8 entering = enters * load_f32(in_guide + c * count + x);
            store_f64(sums, load_f64(sums) + (entering - leaves * load_f32(out_guide + c * count + x)));
        }
    }
}

static void invert_moments(const double *moments, size_t stride, size_t radius, const double *rates, double rate,
                           double epsilon, size_t count, double *inverse) {
    running_box red = box_of(moments, stride, radius), green = box_of(moments + 4 * stride, stride, radius),
                blue = box_of(moments + 8 * stride, stride, radius);
    for (size_t x = 0; x < count; x += 8) {
        f64x8 r[4], g[4], b[4], n = load_f64(rates + x) * rate;
        step_box(&red, x, r);
        step_box(&green, x, g);
        step_box(&blue, x, b);
        f64x8 mr = r[0] * n, mg = g[0] * n, mb = b[0] * n;
        f64x8 rr = r[1] * n - mr * mr + epsilon, rg = r[2] * n - mr * mg, rb = r[3] * n - mr * mb;
        f64x8 gg = g[2] * n - mg * mg + epsilon, gb = g[3] * n - mg * mb, bb = b[3] * n - mb * mb + epsilon;
        // Cramer's rule, and the inverse of a block matrix by the Schur complement of its first number.
        f64x8 i_rr = gg * bb - gb * gb, i_rg = rb * gb - rg * bb, i_rb = rg * gb - rb * gg;
        f64x8 over = n / (rr * i_rr + rg * i_rg + rb * i_rb);
        f64x8 i_gg = (rr * bb - rb * rb) * over, i_gb = (rg * rb - rr * gb) * over, i_bb = (rr * gg - rg * rg) * over;
        i_rr *= over, i_rg *= over, i_rb *= over;
        f64x8 tr = i_rr * mr + i_rg * mg + i_rb * mb, tg = i_rg * mr + i_gg * mg + i_gb * mb,
              tb = i_rb * mr + i_gb * mg + i_bb * mb;
        f64x8 all[] = {n + mr * tr + mg * tg + mb * tb, -tr, -tg, -tb, i_rr, i_rg, i_rb, i_gg, i_gb, i_bb};
        for (size_t i = 0; i < 10; i++) store_f64(inverse + i * count + x, all[i]);
    }
}

/// y ← x in multiples of 2^-20, which beside 1.5 * 2^32 is a double's last bit.
INLINE void store_fixed(int32_t *y, f64x8 x) { *(i32x8 *)y = __builtin_convertvector((i64x8)(x + 0x1.8p32), i32x8); }

static void fit(const double *moments, size_t stride, size_t radius, const double *inverse, size_t count, int32_t *y) {
    running_box box = box_of(moments, stride, radius);
    for (size_t x = 0; x < count; x += 8) {
        f64x8 m[4];
        step_box(&box, x, m);
#define TERM(i, k) (load_f64(inverse + (i)*count + x) * m[k])
        store_fixed(y + x, TERM(0, 0) + TERM(1, 1) + TERM(2, 2) + TERM(3, 3));
        store_fixed(y + count + x, TERM(1, 0) + TERM(4, 1) + TERM(5, 2) + TERM(6, 3));
        store_fixed(y + 2 * count + x, TERM(2, 0) + TERM(5, 1) + TERM(7, 2) + TERM(8, 3));
        store_fixed(y + 3 * count + x, TERM(3, 0) + TERM(6, 1) + TERM(8, 2) + TERM(9, 3));
#undef TERM
    }
}

static void slide_fits(const int32_t *in, const int32_t *out, size_t count, double *sums, size_t stride) {
    for (size_t k = 0; k < 4; k++)
        for (size_t x = 0; x < count; x += 8) {
            i32x8 difference = *(const i32x8 *)(in + k * count + x) - *(const i32x8 *)(out + k * count + x);
            double *sum = sums + k * stride + x;
            store_f64(sum, load_f64(sum) + __builtin_convertvector(difference, f64x8));
        }
}

static void predict(const double *sums, size_t stride, size_t radius, const float *guide, size_t guide_stride,
                    const double *rates, double rate, float *y, size_t count) {
    running_box box = box_of(sums, stride, radius);
    for (size_t x = 0; x < count; x += 8) {
        f64x8 s[4];
        step_box(&box, x, s);
        for (size_t c = 0; c < 3; c++) s[0] += s[c + 1] * load_f32(guide + c * guide_stride + x);
        f32x8 row = __builtin_convertvector(s[0] * (load_f64(rates + x) * (rate * 0x1p-20)), f32x8);
        __builtin_memcpy(y + x, &row, (count - x < 8 ? count - x : 8) * sizeof(float));
    }
}
