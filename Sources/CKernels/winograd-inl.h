// The transforms of Winograd convolutions, in f32 and to and from 16-bit integers. Included after lanes-inl.h and
// quantize-inl.h.
//
// F(4x4, 3x3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", section 4.3): a tile of
// 4 x 4 outputs from 6 x 6 inputs by 36 products instead of 144. Along each side in turn:
//     inputs  t = B^T d,    weights  u = G g,    outputs  y = A^T m
// The polynomials are evaluated at 0, +-3/4, +-3/2 and infinity: a third of the error of the usual 0, +-1, +-2.

#define NEAR 0.75f
#define FAR 1.5f
#define NEAR2 (NEAR * NEAR)
#define FAR2 (FAR * FAR)

INLINE void inputs_of_side(const f32x16 *d, size_t step, f32x16 *t, size_t t_step) {
    f32x16 even = d[4 * step] - d[2 * step] * FAR2, odd = d[3 * step] - d[step] * FAR2;
    f32x16 even2 = d[4 * step] - d[2 * step] * NEAR2, odd2 = d[3 * step] - d[step] * NEAR2;
    t[0] = d[0] * (NEAR2 * FAR2) - d[2 * step] * (NEAR2 + FAR2) + d[4 * step];
    t[t_step] = even + odd * NEAR;
    t[2 * t_step] = even - odd * NEAR;
    t[3 * t_step] = even2 + odd2 * FAR;
    t[4 * t_step] = even2 - odd2 * FAR;
    t[5 * t_step] = d[step] * (NEAR2 * FAR2) - d[3 * step] * (NEAR2 + FAR2) + d[5 * step];
}

INLINE void weights_of_side(const f32x16 *g, size_t step, f32x16 *u, size_t u_step) {
    const float near = 1.0f / (2.0f * NEAR2 * (NEAR2 - FAR2)), far = 1.0f / (2.0f * FAR2 * (FAR2 - NEAR2));
    f32x16 even = g[0] * near + g[2 * step] * (near * NEAR2), odd = g[step] * (near * NEAR);
    f32x16 even2 = g[0] * far + g[2 * step] * (far * FAR2), odd2 = g[step] * (far * FAR);
    u[0] = g[0] * (1.0f / (NEAR2 * FAR2));
    u[u_step] = even + odd;
    u[2 * u_step] = even - odd;
    u[3 * u_step] = even2 + odd2;
    u[4 * u_step] = even2 - odd2;
    u[5 * u_step] = g[2 * step];
}

INLINE void outputs_of_side(const f32x16 *m, size_t step, f32x16 *y, size_t y_step) {
    f32x16 sum = m[step] + m[2 * step], difference = m[step] - m[2 * step];
    f32x16 sum2 = m[3 * step] + m[4 * step], difference2 = m[3 * step] - m[4 * step];
    y[0] = m[0] + sum + sum2;
    y[y_step] = difference * NEAR + difference2 * FAR;
    y[2 * y_step] = sum * NEAR2 + sum2 * FAR2;
    y[3 * y_step] = difference * (NEAR2 * NEAR) + difference2 * (FAR2 * FAR) + m[5 * step];
}

#undef NEAR
#undef FAR
#undef NEAR2
#undef FAR2

/// d [36] ← the transform of `count` <= 16 channels, from `channel` on, of 36 pixels, NULL where there is padding.
INLINE void winograd_inputs_of(const float *const *pixels, size_t channel, size_t count, f32x16 *d) {
    ALIGNED f32x16 half[36];
    for (size_t j = 0; j < 36; j++) {
        const float *from = pixels[j] ? pixels[j] + channel : NULL;
        d[j] = !from ? (f32x16){0} : count == LANES ? load(from) : load_part(from, count);
    }
    for (size_t j = 0; j < 6; j++) inputs_of_side(d + j, 6, half + j, 6);
    for (size_t j = 0; j < 6; j++) inputs_of_side(half + 6 * j, 1, d + 6 * j, 1);
}

/// half [6, 3] ← the transform along one side of the kernels from one input to sixteen outputs.
INLINE void winograd_half(const dseg_kernels *k, dseg_number number, size_t input, f32x16 *half) {
    ALIGNED f32x16 g[9];
    for (size_t j = 0; j < 9; j++) g[j] = load_stored(k->base, number, k->first + j * k->step + input * LANES);
    for (size_t j = 0; j < 3; j++) weights_of_side(g + j, 3, half + j, 3);
}

static void winograd_inputs(const float *const *pixels, size_t count, float *v, size_t stride) {
    for (size_t i = 0; i < count; i += LANES) {
        ALIGNED f32x16 d[36];
        winograd_inputs_of(pixels, i, count - i < LANES ? count - i : LANES, d);
        for (size_t j = 0; j < 36; j++) store(v + j * stride + i, d[j]);
    }
}

/// Inputs whose kernels are transposed together: their 36 weights make whole [4, 4] blocks.
#define TRANSPOSED 4

/// Four vectors, one after another.
INLINE f32x16 joined(f32x4 a, f32x4 b, f32x4 c, f32x4 d) {
    typedef float f32x8 __attribute__((vector_size(32)));
    f32x8 first = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
    f32x8 last = __builtin_shufflevector(c, d, 0, 1, 2, 3, 4, 5, 6, 7);
    return __builtin_shufflevector(first, last, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

/// g [inputs, 9, 16] ← the transpose of kernels [16, inputs, 9].
INLINE void transpose_kernels(const float *const *kernels, f32x16 *g) {
    for (size_t j = 0; j < TRANSPOSED * 9; j += 4) {
        f32x4 rows[LANES];
        for (size_t o = 0; o < LANES; o++) rows[o] = *(const f32x4 *)(kernels[o] + j);
        for (size_t o = 0; o < LANES; o += 4) dseg_transpose(rows + o);
        for (size_t r = 0; r < 4; r++) g[j + r] = joined(rows[r], rows[4 + r], rows[8 + r], rows[12 + r]);
    }
}

static void winograd_weights(const float *kernels, size_t outputs, size_t step, size_t count, float *u, size_t row,
                             size_t stride) {
    for (size_t i = 0; i < count; i += TRANSPOSED) {
        ALIGNED f32x16 g[TRANSPOSED * 9], half[18], whole[36];
        float parts[LANES][TRANSPOSED * 9];
        const float *from[LANES];
        size_t some = dseg_least(TRANSPOSED, count - i);
        for (size_t o = 0; o < LANES; o++) {
            from[o] = kernels + dseg_least(o, outputs - 1) * step + i * 9;
            if (some < TRANSPOSED) from[o] = __builtin_memcpy(parts[o], from[o], some * 9 * sizeof(float));
        }
        transpose_kernels(from, g);
        for (size_t n = 0; n < some; n++) {
            for (size_t j = 0; j < 3; j++) weights_of_side(g + 9 * n + j, 3, half + j, 3);
            for (size_t j = 0; j < 6; j++) weights_of_side(half + 3 * j, 1, whole + 6 * j, 1);
            for (size_t j = 0; j < 36; j++) store(u + j * stride + (i + n) * row, whole[j]);
        }
    }
}

#undef TRANSPOSED

/// Calls a function with a constant number type, so that it is compiled once for each.
#define FOR_NUMBER(function, k, ...) \
    switch ((k)->number) { \
    case dseg_f32: function(k, dseg_f32, __VA_ARGS__); break; \
    case dseg_f16: function(k, dseg_f16, __VA_ARGS__); break; \
    case dseg_bf16: function(k, dseg_bf16, __VA_ARGS__); break; \
    case dseg_fixed16: break; \
    }

/// The transform of products d [36] to 4 x 4 outputs of sixteen channels.
INLINE void put_outputs(const f32x16 *d, const dseg_outputs *to) {
    ALIGNED f32x16 half[24], whole[16];
    for (size_t j = 0; j < 6; j++) outputs_of_side(d + j, 6, half + j, 6);
    for (size_t j = 0; j < 4; j++) outputs_of_side(half + 6 * j, 1, whole + 4 * j, 1);
    for (size_t j = 0; j < 16; j++) {
        float *y = to->y + j / 4 * to->row_step + j % 4 * to->step;
        f32x16 before = to->adding ? load(y) : (f32x16){0};
        store(y, to->bias ? before + whole[j] + load(to->bias) : before + whole[j]);
    }
}

static void winograd_outputs(const float *m, size_t stride, const dseg_outputs *to) {
    ALIGNED f32x16 d[36];
    for (size_t j = 0; j < 36; j++) d[j] = load(m + j * stride);
    put_outputs(d, to);
}

/// The Euclidean length to which inputs are scaled: below 2^15, so that no number overflows 16 bits whatever the
/// largest is.
#define SHORT_LENGTH 32700.0f

static void winograd_inputs_int16(const float *const *pixels, size_t count, size_t piece, float *scratch, int16_t *v,
                                  size_t stride, float *scales) {
    size_t length = (count + LANES - 1) / LANES * LANES;
    for (size_t i = 0; i < count; i += LANES) {
        ALIGNED f32x16 d[36];
        winograd_inputs_of(pixels, i, count - i < LANES ? count - i : LANES, d);
        for (size_t j = 0; j < 36; j++) store(scratch + j * length + i, d[j]);
    }
    for (size_t j = 0; j < 36; j++) {
        f32x16 squares = {0};
        for (size_t i = 0; i < length; i += LANES) {
            f32x16 d = load(scratch + j * length + i);
            squares += d * d;
        }
        float norm = __builtin_sqrtf(sum_of(squares));
        float factor = norm > 0x1p-40f ? SHORT_LENGTH / norm : norm;  // below, squares underflow: zeros; NaN passes
        scales[j] = norm / SHORT_LENGTH;
        for (size_t i = 0; i < length; i += LANES) {
            i32x16 bits = (i32x16)(load(scratch + j * length + i) * factor + ROUNDING);
            *(u16x16 *)(v + (i / piece * 36 + j) * stride + i % piece) = __builtin_convertvector(bits, u16x16);
        }
    }
}

INLINE void winograd_weights_int16_of(const dseg_kernels *k, dseg_number number, const float *factors, int32_t *u,
                                      size_t stride) {
    for (size_t i = 0; i < k->count; i += 2) {
        ALIGNED f32x16 earlier[18], later[18] = {{0}};
        winograd_half(k, number, i, earlier);
        if (i + 1 < k->count) winograd_half(k, number, i + 1, later);
        for (size_t j = 0; j < 6; j++) {
            ALIGNED f32x16 a[6], b[6];
            weights_of_side(earlier + 3 * j, 1, a, 1);
            weights_of_side(later + 3 * j, 1, b, 1);
            for (size_t n = 0; n < 6; n++) {
                f32x16 factor = load(factors + (6 * j + n) * LANES);
                *(i32x16 *)(u + (6 * j + n) * stride + i / 2 * LANES) = paired(a[n] * factor, b[n] * factor);
            }
        }
    }
}

static void winograd_weights_int16(const dseg_kernels *k, const float *factors, int32_t *u, size_t stride) {
    FOR_NUMBER(winograd_weights_int16_of, k, factors, u, stride)
}

/// Inputs whose one-sided transform is kept at a time. With 32 registers the norms of a row of frequencies stay in them
/// for eight inputs; with 16 they spill anyway.
#if WIDTH == 512
#define HALVES 8
#else
#define HALVES 1
#endif

INLINE void winograd_norms_of(const dseg_kernels *k, dseg_number number, float *squares, float *largest) {
    for (size_t i = 0; i < k->count; i += HALVES) {
        ALIGNED f32x16 halves[HALVES][18];
        size_t some = dseg_least(HALVES, k->count - i);
        for (size_t h = 0; h < some; h++) winograd_half(k, number, i + h, halves[h]);
        for (size_t row = 0; row < 6; row++) {
            float *square = squares + row * 6 * LANES, *top = largest + row * 6 * LANES;
            ALIGNED f32x16 sums[6], tops[6], u[6];
            for (size_t j = 0; j < 6; j++) {
                sums[j] = load(square + j * LANES);
                tops[j] = load(top + j * LANES);
            }
            for (size_t h = 0; h < some; h++) {
                weights_of_side(halves[h] + 3 * row, 1, u, 1);
#pragma clang loop unroll(full)
                for (size_t j = 0; j < 6; j++) {
                    sums[j] += u[j] * u[j];
                    tops[j] = larger(magnitude(u[j]), tops[j]);
                }
            }
            for (size_t j = 0; j < 6; j++) {
                store(square + j * LANES, sums[j]);
                store(top + j * LANES, tops[j]);
            }
        }
    }
}

#undef HALVES

static void winograd_norms(const dseg_kernels *k, float *squares, float *largest) {
    FOR_NUMBER(winograd_norms_of, k, squares, largest)
}

static void winograd_outputs_int16(const int32_t *m, size_t stride, const float *row_scales, const float *column_scales,
                                   const dseg_outputs *to) {
    ALIGNED f32x16 d[36];
    for (size_t j = 0; j < 36; j++) {
        f32x16 v = __builtin_convertvector(*(const i32x16 *)(m + j * stride), f32x16);
        d[j] = v * (load(column_scales + j * LANES) * row_scales[j]);
    }
    put_outputs(d, to);
}

#undef SHORT_LENGTH
#undef FOR_NUMBER
