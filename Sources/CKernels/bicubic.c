// Feature maps resampled by bicubic or bilinear interpolation, as PyTorch's interpolate does it.
#include "internal.h"

#include <math.h>

/// The four numbers of a line that an output is a sum of, and their weights.
typedef struct taps {
    size_t places[4];
    float weights[4];
} taps;

/// Keys' cubic convolution kernel with a = -3/4: within one step of its centre, and from there to the second.
static float near(float x) { return ((-0.75f + 2) * x - (-0.75f + 3)) * x * x + 1; }
static float far(float x) { return ((-0.75f * x + 5 * 0.75f) * x - 8 * 0.75f) * x + 4 * 0.75f; }

/// The taps of output `place` of `count` on a line of `length` numbers. Its centre is rounded to f32 as PyTorch's is,
/// which on a line of 24 moves a number by some 1e-6 of the largest.
static taps taps_of(size_t place, size_t count, size_t length, bool linear) {
    float at = (float)length / (float)count * ((float)place + 0.5f) - 0.5f, first = floorf(at), t = at - first;
    taps taps = {.weights = {far(t + 1), near(t), near(1 - t), far(2 - t)}};
    if (linear) taps = (struct taps){.weights = {0, 1 - t, t, 0}};
    for (int i = 0; i < 4; i++) {
        float clamped = fminf(fmaxf(first + (float)(i - 1), 0), (float)(length - 1));
        taps.places[i] = (size_t)clamped;
    }
    return taps;
}

typedef struct {
    dseg_matrix x, y;
    size_t height, width, out_height, out_width;
    bool linear;
} resampling;

static void row_task(void *context, size_t row, size_t thread) {
    (void)thread;
    const resampling *r = context;
    taps rows = taps_of(row, r->out_height, r->height, r->linear);
    for (size_t column = 0; column < r->out_width; column++) {
        taps columns = taps_of(column, r->out_width, r->width, r->linear);
        float *y = dseg_row(r->y, row * r->out_width + column);
        __builtin_memset(y, 0, r->y.columns * sizeof(float));
        for (int i = 0; i < 16; i++) {
            const float *x = dseg_row(r->x, rows.places[i / 4] * r->width + columns.places[i % 4]);
            float weight = rows.weights[i / 4] * columns.weights[i % 4];
            if (weight != 0) dseg_simd->add_scaled(x, weight, y, r->y.columns);
        }
    }
}

void dseg_resample(dseg_matrix x, size_t height, size_t width, dseg_matrix y, size_t out_height, size_t out_width,
                   bool linear) {
    dseg_parallel(out_height, row_task, &(resampling){x, y, height, width, out_height, out_width, linear});
}
