#include "images.h"

/// Two neighbouring samples of a line and their weights: w0 a[i0] + w1 a[i1].
typedef struct tap {
    size_t i0, i1;
    float w0, w1;
} tap;

/// The taps of sample `out` of `out_count` on a line of `count` samples.
///
/// The position is rounded to f32 once, as by PyTorch's fused multiply-add: on a long axis a second
/// rounding would change the weights. The product of two floats is exact in a double.
static tap taps(size_t out, size_t out_count, size_t count) {
    float scale = (float)count / (float)out_count;
    float position = (float)((double)scale * ((double)out + 0.5) - 0.5);
    if (position < 0) position = 0;
    size_t i0 = (size_t)position;
    if (i0 > count - 1) i0 = count - 1;
    float w1 = position - (float)i0;
    if (w1 > 1) w1 = 1;
    return (tap){i0, i0 + (i0 < count - 1), 1 - w1, w1};
}

/// Reads sample `i` of a row of samples.
typedef float (*sampler)(const void *row, size_t i);

static float float_at(const void *row, size_t i) { return ((const float *)row)[i]; }

static float byte_at(const void *row, size_t i) { return (float)((const uint8_t *)row)[i] / 255.0f; }

/// Both resizes; compiled once for each sampler.
///
/// map  [height, width, channels]  of samples of `sample_bytes` bytes
static inline __attribute__((always_inline)) void resize(const void *map, size_t sample_bytes, sampler at, size_t width,
                                                         size_t height, size_t channels, size_t out_width,
                                                         size_t out_height, float *out) {
    size_t row_bytes = width * channels * sample_bytes;
    for (size_t row = 0; row < out_height; row++) {
        tap y = taps(row, out_height, height);
        const void *above = (const char *)map + y.i0 * row_bytes;
        const void *below = (const char *)map + y.i1 * row_bytes;
        for (size_t column = 0; column < out_width; column++) {
            tap x = taps(column, out_width, width);
            size_t left = x.i0 * channels, right = x.i1 * channels;
            for (size_t c = 0; c < channels; c++) {
                float upper = x.w0 * at(above, left + c) + x.w1 * at(above, right + c);
                float lower = x.w0 * at(below, left + c) + x.w1 * at(below, right + c);
                *out++ = y.w0 * upper + y.w1 * lower;
            }
        }
    }
}

void dseg_bilinear(const float *map, size_t width, size_t height, size_t channels, size_t out_width, size_t out_height,
                   float *out) {
    resize(map, sizeof(float), float_at, width, height, channels, out_width, out_height, out);
}

void dseg_bilinear_bytes(const uint8_t *pixels, size_t width, size_t height, size_t channels, size_t out_width,
                         size_t out_height, float *out) {
    resize(pixels, 1, byte_at, width, height, channels, out_width, out_height, out);
}

/// The sample of a line of `count` that is nearest to sample `out` of `out_count`, by PyTorch's rule: the product is
/// rounded to f32 before it is rounded down, and so may fall a sample short of the exact one.
static size_t nearest(size_t out, size_t out_count, size_t count) {
    float scale = (float)count / (float)out_count;
    size_t i = (size_t)((float)out * scale);
    return i < count ? i : count - 1;
}

void dseg_nearest_bytes(const uint8_t *pixels, size_t width, size_t height, size_t channels, size_t out_width,
                        size_t out_height, float *out) {
    for (size_t row = 0; row < out_height; row++) {
        const uint8_t *line = pixels + nearest(row, out_height, height) * width * channels;
        for (size_t column = 0; column < out_width; column++) {
            size_t from = nearest(column, out_width, width) * channels;
            for (size_t c = 0; c < channels; c++) *out++ = byte_at(line, from + c);
        }
    }
}

void dseg_bilinear_line(size_t count, size_t out_count, uint32_t *first, float *weight) {
    for (size_t out = 0; out < out_count; out++) {
        tap t = taps(out, out_count, count);
        first[out] = (uint32_t)t.i0;
        weight[out] = t.w1;
    }
}
