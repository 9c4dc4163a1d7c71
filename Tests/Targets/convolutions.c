// Convolutions against their definitions, and those that are fused with a group norm.
#include "targets.h"

#include <string.h>

/// The input pixel at a place of the padded, perhaps doubled map; NULL outside.
static const float *pixel(dseg_matrix x, dseg_window w, size_t row, size_t column) {
    size_t scale = w.doubled ? 2 : 1;
    if (row < w.before || column < w.before) return NULL;
    row -= w.before;
    column -= w.before;
    bool inside = row < w.height * scale && column < w.width * scale;
    return inside ? x.base + (row / scale * w.width + column / scale) * x.stride : NULL;
}

/// The definition: for each output pixel each position of the kernel and each channel.
static void convolve(dseg_matrix x, dseg_window w, const learned *weights, expectation e) {
    size_t outputs = weights->stored.outputs, columns = weights->stored.inputs, inputs = x.columns;
    for (size_t i = 0; i < w.out_height * w.out_width * outputs; i++) {
        if (i % outputs % e.step) continue;
        size_t place = i / outputs, row = place / w.out_width * w.stride, column = place % w.out_width * w.stride;
        e.sums[i] = e.reach[i] = 0;
        for (size_t k = 0; k < w.kernel * w.kernel; k++) {
            const float *from = pixel(x, w, row + k / w.kernel, column + k % w.kernel);
            const double *by = weights->values + i % outputs * columns + k * inputs;
            for (size_t c = 0; c < inputs && from; c++) {
                e.sums[i] += from[c] * by[c];
                e.reach[i] += fabs(from[c] * by[c]);
            }
        }
    }
}

/// The largest error that quantization adds to each output of a convolution by im2col.
static void miss_im2col(dseg_matrix x, dseg_window w, const learned *weights, expectation e) {
    size_t outputs = weights->stored.outputs, columns = weights->stored.inputs, inputs = x.columns;
    double *row = take(columns * sizeof(double));
    for (size_t place = 0; place < w.out_height * w.out_width; place++) {
        for (size_t k = 0; k < columns; k++) {
            size_t top = place / w.out_width * w.stride, left = place % w.out_width * w.stride;
            const float *from = pixel(x, w, top + k / inputs / w.kernel, left + k / inputs % w.kernel);
            row[k] = from ? from[k % inputs] : 0;
        }
        grains g = grains_of(row, columns, 1, long_row);
        for (size_t o = 0; o < outputs; o++)
            e.misses[place * outputs + o] = miss_of(g, grains_of(weights->values + o * columns, columns, 1, long_row));
    }
}

// Winograd's F(4x4, 3x3) at 0, +-3/4, +-3/2 and infinity (winograd-inl.h). With |B|, |G| and |A| for the transforms'
// magnitudes the sums |A|^T ((|G| |g| |G|^T) (|B|^T |d| |B|)) |A| take the place of the sums of products' magnitudes,
// and the quantization errors at each frequency go through |A| too.
static const double inputs_side[] = {
    81 / 64., 0,        -45 / 16., 0,       1, 0, 0, -27 / 16., -9 / 4.,  3 / 4.,    1, 0,
    0,        27 / 16., -9 / 4.,   -3 / 4., 1, 0, 0, -27 / 32., -9 / 16., 3 / 2.,    1, 0,
    0,        27 / 32., -9 / 16.,  -3 / 2., 1, 0, 0, 81 / 64.,  0,        -45 / 16., 0, 1};
static const double weights_side[] = {64 / 81.,    0,         0,        -128 / 243., -32 / 81., -8 / 27.,
                                      -128 / 243., 32 / 81.,  -8 / 27., 32 / 243.,   16 / 81.,  8 / 27.,
                                      32 / 243.,   -16 / 81., 8 / 27.,  0,           0,         1};
static const double outputs_side[] = {1,       1,      1,       1,        1,         0,       0,        3 / 4.,
                                      -3 / 4., 3 / 2., -3 / 2., 0,        0,         9 / 16., 9 / 16.,  9 / 4.,
                                      9 / 4.,  0,      0,       27 / 64., -27 / 64., 27 / 8., -27 / 8., 1};

/// y [rows, rows] <- t x t^T, t [rows, columns], x [columns, columns]; or |t| |x| |t|^T.
static void transform(const double *t, bool magnitudes, size_t rows, size_t columns, const double *x, double *y) {
    double half[36];
    for (size_t i = 0; i < rows * columns; i++) {
        half[i] = 0;
        for (size_t k = 0; k < columns; k++) {
            double term = t[i / columns * columns + k] * x[k * columns + i % columns];
            half[i] += magnitudes ? fabs(term) : term;
        }
    }
    for (size_t i = 0; i < rows * rows; i++) {
        y[i] = 0;
        for (size_t k = 0; k < columns; k++) {
            double term = half[i / rows * columns + k] * t[i % rows * columns + k];
            y[i] += magnitudes ? fabs(term) : term;
        }
    }
}

/// A transform of some channels, [channels, 36], and of their magnitudes. Of kernels there are those of every step-th
/// output, [outputs / step, channels, 36].
typedef struct {
    double *values, *reach;
} transformed;

static transformed transform_kernels(const learned *weights, size_t inputs, size_t step) {
    size_t count = (weights->stored.outputs + step - 1) / step * inputs;
    transformed u = {take(count * 36 * sizeof(double)), take(count * 36 * sizeof(double))};
    for (size_t i = 0; i < count; i++) {
        const double *of_output = weights->values + i / inputs * step * 9 * inputs;
        double g[9];
        for (size_t k = 0; k < 9; k++) g[k] = of_output[k * inputs + i % inputs];
        transform(weights_side, false, 6, 3, g, u.values + i * 36);
        transform(weights_side, true, 6, 3, g, u.reach + i * 36);
    }
    return u;
}

/// Writes to `v` what a tile's inputs become.
static void transform_tile(dseg_matrix x, dseg_window w, size_t top, size_t left, transformed v) {
    for (size_t c = 0; c < x.columns; c++) {
        double d[36];
        for (size_t i = 0; i < 36; i++) {
            const float *from = pixel(x, w, top + i / 6, left + i % 6);
            d[i] = from ? from[c] : 0;
        }
        transform(inputs_side, false, 6, 6, d, v.values + c * 36);
        transform(inputs_side, true, 6, 6, d, v.reach + c * 36);
    }
}

static void reach_of_winograd(dseg_matrix x, dseg_window w, const learned *weights, expectation e) {
    size_t outputs = weights->stored.outputs, inputs = x.columns;
    transformed u = transform_kernels(weights, inputs, e.step);
    transformed v = {take(inputs * 36 * sizeof(double)), take(inputs * 36 * sizeof(double))};
    size_t tiles_across = (w.out_width + 3) / 4, tiles = (w.out_height + 3) / 4 * tiles_across;
    for (size_t t = 0; t < tiles * outputs; t++) {
        size_t o = t % outputs, top = t / outputs / tiles_across * 4, left = t / outputs % tiles_across * 4;
        if (o == 0) transform_tile(x, w, top, left, v);
        if (o % e.step) continue;
        double m[36] = {0}, missed[36] = {0}, reach[16], misses[16];
        for (size_t i = 0; i < 36; i++) {
            size_t first = o / e.step * inputs * 36 + i;
            for (size_t c = 0; c < inputs; c++) m[i] += u.reach[first + c * 36] * v.reach[c * 36 + i];
            if (weights->panels.scales)
                missed[i] = miss_of(grains_of(v.values + i, inputs, 36, short_row),
                                    grains_of(u.values + first, inputs, 36, long_row));
        }
        transform(outputs_side, true, 4, 6, m, reach);
        transform(outputs_side, true, 4, 6, missed, misses);
        for (size_t i = 0; i < 16; i++) {
            size_t row = top + i / 4, column = left + i % 4, place = (row * w.out_width + column) * outputs + o;
            if (row >= w.out_height || column >= w.out_width) continue;
            e.reach[place] = reach[i];
            e.misses[place] = misses[i];
        }
    }
}

// ---- convolutions -----------------------------------------------------------------------------------------------

typedef struct {
    size_t height, width, kernel, stride, before, after;
    bool doubled;
    size_t inputs, outputs;
} geometry;

static dseg_window window_of(geometry g) {
    size_t scale = g.doubled ? 2 : 1, bare = g.before + g.after - g.kernel;
    return (dseg_window){g.height,
                         g.width,
                         (g.height * scale + bare) / g.stride + 1,
                         (g.width * scale + bare) / g.stride + 1,
                         g.kernel,
                         g.stride,
                         g.before,
                         g.doubled};
}

static size_t rows_of(dseg_window w) { return w.out_height * w.out_width; }

static size_t scratch_of(geometry g, bool fixed) {
    return (fixed ? dseg_fixed_convolution_scratch : dseg_convolution_scratch)(window_of(g), g.inputs, g.outputs);
}

static void run_convolution(operands p) {
    if (p.w.panels.scales) dseg_fixed_convolution(p.x, p.gains, p.window, p.w.panels, p.bias, p.y, p.adding, p.scratch);
    else dseg_convolution(p.x, p.gains, p.window, p.w.stored, p.bias, p.y, p.adding, p.scratch);
}

/// As one product for each pixel or by Winograd's way, in f32 or fixed point.
static void check_convolution(geometry g, dseg_number number, bool by_winograd, bool fixed, size_t step) {
    dseg_window window = window_of(g);
    size_t rows = rows_of(window), floats = scratch_of(g, fixed);
    learned w = by_winograd && fixed ? learn_kernels(number, g.outputs, g.inputs)
                                     : learn(number, g.outputs, g.inputs, g.kernel * g.kernel);
    operands p = {.x = framed(g.height * g.width, g.inputs, 1.0f), .w = w, .window = window, .scratch = marked(floats)};
    // A product and one of its sums for each input, or, of an exact sum, that as a float, the scales' product and the
    // product with it; two for bias and earlier y.
    double roundings = (fixed ? 3 : by_winograd ? (double)g.inputs + 1 : (double)w.stored.inputs + 1) + 2;
    // Winograd's way: 8 for both sides of the inputs (two products, a difference, a sum each), 10 for the weights (two
    // of a constant, a product, two sums), 8 for the outputs (a difference, a product, two sums).
    expectation e = expect(rows * g.outputs, roundings + (by_winograd ? 26 : 0));
    e.step = step;
    convolve(p.x, window, &w, e);
    if (by_winograd) reach_of_winograd(p.x, window, &w, e);
    else if (fixed) miss_im2col(p.x, window, &w, e);
    hold_products(p, rows, e, run_convolution);
    hold_frame(p.x);
    hold_end(p.scratch, floats);
    end_case();
}

/// Fewer than 16 channels on either side, other kernels and other strides; more rows of im2col than a task has (256, or
/// 960 in fixed point), and more inputs than are gathered together (768 of a 1 x 1 kernel, 86 channels of 3 x 3).
static const geometry im2col[] = {
    {1, 1, 3, 1, 1, 1, false, 3, 5},   {5, 4, 3, 1, 1, 1, false, 4, 17},  {6, 7, 3, 1, 1, 1, true, 8, 15},
    {9, 5, 3, 2, 1, 1, false, 17, 33}, {8, 6, 3, 2, 0, 1, false, 16, 16}, {5, 6, 1, 1, 0, 0, false, 65, 31},
    {7, 3, 1, 2, 0, 0, true, 5, 16},   {16, 16, 3, 1, 1, 1, false, 2, 3}, {4, 3, 3, 2, 1, 1, true, 31, 65},
    {31, 32, 3, 1, 1, 1, false, 1, 2}, {257, 1, 3, 1, 1, 1, false, 7, 3}, {3, 2, 1, 1, 0, 0, false, 769, 6},
    {3, 4, 3, 1, 1, 1, false, 86, 5},  {4, 3, 3, 1, 1, 1, false, 87, 2},  {5, 4, 3, 2, 1, 1, false, 174, 18},
    {4, 5, 2, 1, 0, 1, false, 18, 3}};
/// Maps that end inside a tile, more tiles than are few (32) or than a block has (256), inputs around a piece (128) and
/// what is widened (32), transposed (4) and padded (16) together, outputs around a task's (32) and a vector (16).
static const geometry by_winograd[] = {
    {4, 4, 3, 1, 1, 1, false, 16, 16},   {1, 1, 3, 1, 1, 1, false, 17, 31},   {5, 6, 3, 1, 1, 1, false, 33, 17},
    {3, 4, 3, 1, 1, 1, true, 16, 33},    {7, 5, 3, 1, 0, 1, false, 63, 18},   {6, 6, 3, 1, 0, 0, false, 129, 16},
    {4, 3, 3, 1, 1, 0, false, 81, 16},   {1, 128, 3, 1, 1, 1, false, 19, 35}, {2, 3, 3, 1, 1, 1, false, 258, 49},
    {1, 129, 3, 1, 1, 1, false, 18, 33}, {9, 11, 3, 1, 1, 1, true, 31, 19},   {5, 65, 3, 1, 1, 1, false, 130, 17},
    {1, 261, 3, 1, 1, 1, false, 16, 16}, {1, 1029, 3, 1, 1, 1, false, 16, 16}};
/// More columns than a group has, whose weights are 65536 for each frequency: in one block and in two.
static const geometry in_groups[] = {{1, 129, 3, 1, 1, 1, false, 513, 131}, {1, 1029, 3, 1, 1, 1, false, 513, 131}};

enum {
    im2col_count = sizeof im2col / sizeof *im2col,
    winograd_count = sizeof by_winograd / sizeof *by_winograd,
    group_count = sizeof in_groups / sizeof *in_groups
};

void check_im2col(void) {
    for (size_t s = 0; s < im2col_count; s++)
        for (int number = dseg_f32; number <= dseg_bf16; number++)
            check_convolution(im2col[s], (dseg_number)number, false, false, 1);
}

void check_im2col_fixed(void) {
    for (size_t s = 0; s < im2col_count; s++) check_convolution(im2col[s], dseg_fixed16, false, true, 1);
}

void check_winograd(void) {
    for (size_t s = 0; s < winograd_count; s++)
        for (int number = dseg_f32; number <= dseg_bf16; number++)
            check_convolution(by_winograd[s], (dseg_number)number, true, false, 1);
}

void check_winograd_fixed(void) {
    for (size_t s = 0; s < winograd_count; s++)
        for (int number = dseg_f32; number <= dseg_bf16; number++)
            check_convolution(by_winograd[s], (dseg_number)number, true, true, 1);
}

/// The first and the last output are among those that are held.
void check_groups(void) {
    for (size_t s = 0; s < group_count; s++)
        check_convolution(in_groups[s], s % 2 ? dseg_f32 : dseg_f16, true, false, 13);
}

/// What a convolution normalises as it reads is what the group norm writes: both answers have the same bits.
static void check_normalized(geometry g, bool fixed) {
    dseg_window window = window_of(g);
    size_t rows = rows_of(window), pixels = g.height * g.width, floats = scratch_of(g, fixed);
    const float *gamma = drawn(g.inputs), *beta = drawn(g.inputs);
    float *gain = marked(g.inputs), *shift = marked(g.inputs);
    float *sums = marked(dseg_group_norm_scratch(pixels, g.inputs));
    dseg_matrix x = framed(pixels, g.inputs, 1.0f), normalized = framed(pixels, g.inputs, 0);
    dseg_group_gains(x, gamma, beta, 1, 1e-6f, gain, shift, sums);
    dseg_group_norm_silu(x, normalized, gamma, beta, 1, 1e-6f, sums);
    operands fused = {.x = x,
                      .y = framed(rows, g.outputs, 0),
                      .w = fixed ? learn_kernels(dseg_f16, g.outputs, g.inputs)
                                 : learn(dseg_f16, g.outputs, g.inputs, 9),
                      .gains = &(dseg_gains){gain, shift},
                      .window = window,
                      .bias = drawn(g.outputs),
                      .scratch = marked(floats)};
    operands apart = fused;
    apart.x = normalized;
    apart.y = framed(rows, g.outputs, 0);
    apart.gains = NULL;
    run_convolution(apart);
    run_convolution(fused);
    for (size_t i = 0; i < rows * g.outputs; i++)
        hold(at(fused.y, i / g.outputs, i % g.outputs), at(apart.y, i / g.outputs, i % g.outputs), 0);
    hold_frame(fused.y);
    hold_frame(x);
    hold_end(fused.scratch, floats);
    end_case();
}

/// Blocks that begin inside a row of tiles normalise the most rows of pixels.
void check_gains(void) {
    static const geometry blocks[] = {{40, 260, 3, 1, 1, 1, false, 17, 16}, {33, 40, 3, 1, 1, 1, true, 16, 17}};
    for (int fixed = 0; fixed < 2; fixed++) {
        for (size_t s = 0; s < winograd_count; s++) check_normalized(by_winograd[s], fixed);
        for (size_t s = 0; s < sizeof blocks / sizeof *blocks; s++) check_normalized(blocks[s], fixed);
    }
}
