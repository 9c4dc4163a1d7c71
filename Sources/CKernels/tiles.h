// What products and Winograd convolutions do sixteen outputs at a time. Included by rows.c after rows.h's lanes, once
// for each instruction set.
//
// A tile of a product is ROWS rows of x times one panel of weights, sixteen outputs wide:
//
//     k ->                 panel [inputs, 16]
//     x [ROWS, inputs]     c [ROWS, 16], in registers until the panel's block of inputs is through
//
// Every element of c is one chain of multiply-adds in the order of the inputs, whatever the tile's height: the bits of
// a row depend on that row and the weights alone.

/// Rows of a panel that are asked for before they are needed: the first tile of a panel reads it from afar.
#define AHEAD 64

INLINE void BODY(tile)(size_t rows, const dseg_product *p, size_t row) {
    V sums[ROWS];
    const float *x = p->x + row * p->x_stride;
    float *c = p->c + row * p->c_stride;
    for (size_t r = 0; r < rows; r++) sums[r] = p->adding ? BODY(load)(c + r * p->c_stride) : (V){0};
    if (p->bias) {
        V bias = BODY(load)(p->bias);
        for (size_t r = 0; r < rows; r++) sums[r] += bias;
    }
    for (size_t k = 0; k < p->inputs; k++) {
        __builtin_prefetch(p->panel + (k + AHEAD) * LANES);
        V w = BODY(load)(p->panel + k * LANES);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) sums[r] += w * x[r * p->x_stride + k];
    }
    for (size_t r = 0; r < rows; r++) BODY(store)(c + r * p->c_stride, sums[r]);
}

/// Rows of a tile beside which no other is thinner than four: a thin tile waits for its own sums.
INLINE size_t BODY(height)(size_t rows) {
    if (rows <= ROWS) return rows;
    return rows < ROWS + 4 ? rows / 2 : ROWS;
}

static void BODY(product)(const dseg_product *product) {
    dseg_product p = *product;
    for (size_t row = 0, height; row < p.rows; row += height) {
        height = BODY(height)(p.rows - row);
        switch (height) {
        case 1: BODY(tile)(1, &p, row); break;
        case 2: BODY(tile)(2, &p, row); break;
        case 3: BODY(tile)(3, &p, row); break;
        case 4: BODY(tile)(4, &p, row); break;
        case 5: BODY(tile)(5, &p, row); break;
        case 6: BODY(tile)(6, &p, row); break;
#if ROWS > 6
        case 7: BODY(tile)(7, &p, row); break;
        case 8: BODY(tile)(8, &p, row); break;
#endif
        }
    }
}

// Winograd's F(4x4, 3x3) (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", section 4.3): a tile of
// 4 x 4 outputs from 6 x 6 inputs by 36 products instead of 144. One side at a time:
//     inputs  t = B^T d,    weights  u = G g,    outputs  y = A^T m
// The polynomials are evaluated at 0, +-3/4, +-3/2 and infinity: a third of the error of the usual 0, +-1, +-2.

#define NEAR 0.75f
#define FAR 1.5f
#define NEAR2 (NEAR * NEAR)
#define FAR2 (FAR * FAR)

INLINE void BODY(inputs_of_side)(const V *d, size_t step, V *t, size_t t_step) {
    V even = d[4 * step] - d[2 * step] * FAR2, odd = d[3 * step] - d[step] * FAR2;
    V even2 = d[4 * step] - d[2 * step] * NEAR2, odd2 = d[3 * step] - d[step] * NEAR2;
    t[0] = d[0] * (NEAR2 * FAR2) - d[2 * step] * (NEAR2 + FAR2) + d[4 * step];
    t[t_step] = even + odd * NEAR;
    t[2 * t_step] = even - odd * NEAR;
    t[3 * t_step] = even2 + odd2 * FAR;
    t[4 * t_step] = even2 - odd2 * FAR;
    t[5 * t_step] = d[step] * (NEAR2 * FAR2) - d[3 * step] * (NEAR2 + FAR2) + d[5 * step];
}

INLINE void BODY(weights_of_side)(const V *g, size_t step, V *u, size_t u_step) {
    const float near = 1.0f / (2.0f * NEAR2 * (NEAR2 - FAR2)), far = 1.0f / (2.0f * FAR2 * (FAR2 - NEAR2));
    V even = g[0] * near + g[2 * step] * (near * NEAR2), odd = g[step] * (near * NEAR);
    V even2 = g[0] * far + g[2 * step] * (far * FAR2), odd2 = g[step] * (far * FAR);
    u[0] = g[0] * (1.0f / (NEAR2 * FAR2));
    u[u_step] = even + odd;
    u[2 * u_step] = even - odd;
    u[3 * u_step] = even2 + odd2;
    u[4 * u_step] = even2 - odd2;
    u[5 * u_step] = g[2 * step];
}

INLINE void BODY(outputs_of_side)(const V *m, size_t step, V *y, size_t y_step) {
    V sum = m[step] + m[2 * step], difference = m[step] - m[2 * step];
    V sum2 = m[3 * step] + m[4 * step], difference2 = m[3 * step] - m[4 * step];
    y[0] = m[0] + sum + sum2;
    y[y_step] = difference * NEAR + difference2 * FAR;
    y[2 * y_step] = sum * NEAR2 + sum2 * FAR2;
    y[3 * y_step] = difference * (NEAR2 * NEAR) + difference2 * (FAR2 * FAR) + m[5 * step];
}

#undef NEAR
#undef FAR
#undef NEAR2
#undef FAR2

/// d [36] <- the transform of `count` channels, sixteen or fewer, from `channel` on of the pixels, NULL where none is.
INLINE void BODY(winograd_inputs_of)(const float *const *pixels, size_t channel, size_t count, V *d) {
    ALIGNED V half[36];
    for (size_t j = 0; j < 36; j++) {
        const float *from = pixels[j] ? pixels[j] + channel : NULL;
        d[j] = !from ? (V){0} : count == LANES ? BODY(load)(from) : BODY(load_part)(from, count);
    }
    for (size_t j = 0; j < 6; j++) BODY(inputs_of_side)(d + j, 6, half + j, 6);
    for (size_t j = 0; j < 6; j++) BODY(inputs_of_side)(half + 6 * j, 1, d + 6 * j, 1);
}

#if defined(F16C)
static void BODY(widen_f16)(const uint16_t *halves, float *y, size_t count) {
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(halves + i))));
    dseg_widen_f16(halves + i, y + i, count - i);
}
#else
static void BODY(widen_f16)(const uint16_t *halves, float *y, size_t count) { dseg_widen_f16(halves, y, count); }
#endif

static void BODY(widen_bf16)(const uint16_t *halves, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)halves[i] << 16;
        __builtin_memcpy(y + i, &bits, sizeof bits);
    }
}

/// Sixteen stored numbers from the `first` on.
INLINE V BODY(load_stored)(const void *base, dseg_number number, size_t first) {
    const uint16_t *halves = (const uint16_t *)base + first;
    float widened[LANES];
    if (number == dseg_f32) return BODY(load)((const float *)base + first);
    if (number == dseg_f16) {
#if WIDTH == 512
        return (V)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
#else
        BODY(widen_f16)(halves, widened, LANES);
#endif
    } else {
        BODY(widen_bf16)(halves, widened, LANES);
    }
    return BODY(load)(widened);
}

/// half [6, 3] <- the first side of the transform of an input of sixteen outputs.
INLINE void BODY(winograd_half)(const dseg_kernels *k, dseg_number number, size_t input, V *half) {
    ALIGNED V g[9];
    for (size_t j = 0; j < 9; j++) g[j] = BODY(load_stored)(k->base, number, k->first + j * k->step + input * LANES);
    for (size_t j = 0; j < 3; j++) BODY(weights_of_side)(g + j, 3, half + j, 3);
}

/// `pixels` are 36 pointers to a tile's inputs, NULL where there are none; `count` channels from `channel` on go to
/// t [36, ...], whose 36 frequencies lie `stride` floats apart, rounded up to whole lanes with zeros.
static void BODY(winograd_inputs)(const float *const *pixels, size_t channel, size_t count, float *t, size_t stride) {
    for (size_t i = 0; i < count; i += LANES) {
        ALIGNED V d[36];
        BODY(winograd_inputs_of)(pixels, channel + i, count - i < LANES ? count - i : LANES, d);
        for (size_t j = 0; j < 36; j++) BODY(store)(t + j * stride + i, d[j]);
    }
}

INLINE void BODY(winograd_weights_of)(const dseg_kernels *k, dseg_number number, float *u, size_t stride) {
    for (size_t i = 0; i < k->count; i++) {
        ALIGNED V half[18], whole[36];
        BODY(winograd_half)(k, number, i, half);
        for (size_t j = 0; j < 6; j++) BODY(weights_of_side)(half + 3 * j, 1, whole + 6 * j, 1);
        for (size_t j = 0; j < 36; j++) BODY(store)(u + j * stride + i * LANES, whole[j]);
    }
}

/// Calls a function once for each way of storing numbers, so that each is compiled for it.
#define FOR_NUMBER(function, k, ...)                                                    \
    switch ((k)->number) {                                                              \
    case dseg_f32: BODY(function)(k, dseg_f32, __VA_ARGS__); break;                     \
    case dseg_f16: BODY(function)(k, dseg_f16, __VA_ARGS__); break;                     \
    case dseg_bf16: BODY(function)(k, dseg_bf16, __VA_ARGS__); break;                   \
    case dseg_fixed16: break;                                                           \
    }

/// u [36, ...] <- the transform of kernels, [inputs, 16] for each frequency, frequencies `stride` apart.
static void BODY(winograd_weights)(const dseg_kernels *k, float *u, size_t stride) {
    FOR_NUMBER(winograd_weights_of, k, u, stride)
}

/// d [36] to 4 x 4 outputs of sixteen channels.
INLINE void BODY(put_outputs)(const V *d, const dseg_outputs *to) {
    ALIGNED V half[24], whole[16];
    for (size_t j = 0; j < 6; j++) BODY(outputs_of_side)(d + j, 6, half + j, 6);
    for (size_t j = 0; j < 4; j++) BODY(outputs_of_side)(half + 6 * j, 1, whole + 4 * j, 1);
    for (size_t j = 0; j < 16; j++) {
        float *y = to->y + j / 4 * to->row_step + j % 4 * to->step;
        V before = to->adding ? BODY(load)(y) : (V){0};
        BODY(store)(y, to->bias ? before + whole[j] + BODY(load)(to->bias) : before + whole[j]);
    }
}

static void BODY(winograd_outputs)(const float *m, size_t stride, const dseg_outputs *to) {
    ALIGNED V d[36];
    for (size_t j = 0; j < 36; j++) d[j] = BODY(load)(m + j * stride);
    BODY(put_outputs)(d, to);
}

static const dseg_tile_kernels BODY(tiles) = {
    BODY(product), BODY(winograd_inputs), BODY(winograd_weights), BODY(winograd_outputs),
    BODY(widen_f16), BODY(widen_bf16),
};
