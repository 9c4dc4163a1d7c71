// Products and convolutions against their definitions.
#include "targets.h"

#include <string.h>

/// What is to come out of a product: each number's value, its terms' magnitudes, without bias and earlier y, and
/// its quantization error.
typedef struct {
    double *sums, *reach, *misses;
    double roundings;
} expectation;

static expectation expect(size_t count, double roundings) {
    size_t bytes = count * sizeof(double);
    expectation e = {take(bytes), take(bytes), take(bytes), roundings};
    memset(e.misses, 0, bytes);
    return e;
}

/// Adding to what stands there or not, with a bias or without: `run` writes y.
typedef struct {
    dseg_matrix x, y;
    dseg_fixed_inputs fixed;
    dseg_panels w;
    dseg_window window;
    const float *bias;
    bool adding;
    float *scratch;
} operands;

/// Leaves NaN on a thread's stack, that what a product finds there and has not written may show.
static void spoil(void *context, size_t task, size_t thread) {
    (void)context, (void)task, (void)thread;
    char stack[200 << 10];
    memset(stack, 0xff, sizeof stack);
    __asm__ volatile("" : : "r"(stack) : "memory");
}

static void hold_products(operands p, size_t rows, expectation e, void (*run)(operands p)) {
    size_t outputs = p.w.outputs;
    float *bias = marked(outputs);
    for (size_t o = 0; o < outputs; o++) bias[o] = draw();
    for (int way = 0; way < 4; way++) {
        p.adding = way & 1;
        p.bias = way & 2 ? bias : NULL;
        p.y = framed(rows, outputs, p.adding ? 1.0f : 0.0f);
        double *before = take(rows * outputs * sizeof(double));
        for (size_t i = 0; i < rows * outputs; i++) before[i] = p.adding ? at(p.y, i / outputs, i % outputs) : 0;
        dseg_parallel(4, spoil, &p);
        run(p);
        for (size_t i = 0; i < rows * outputs; i++) {
            double b = p.bias ? bias[i % outputs] : 0;
            hold(at(p.y, i / outputs, i % outputs), e.sums[i] + b + before[i],
                 e.misses[i] + gamma_of(e.roundings) * (e.reach[i] + fabs(b) + fabs(before[i])));
        }
        hold_frame(p.y);
    }
}

static void run_linear(operands p) { dseg_linear(p.x, p.w, p.bias, p.y, p.adding); }
static void run_fixed_linear(operands p) { dseg_fixed_linear(p.fixed, p.w, p.bias, p.y, p.adding); }

static const size_t shapes[][3] = {{1, 1, 1},    {5, 7, 15},   {6, 8, 16},   {7, 9, 17},   {8, 63, 31},
                                   {9, 64, 33},  {13, 65, 47}, {4, 255, 16}, {5, 256, 17}, {11, 257, 33},
                                   {3, 513, 18}, {239, 5, 3},  {240, 3, 16}, {241, 6, 17}, {25, 17, 63},
                                   {2, 16, 65},  {1, 33, 257}, {17, 40, 80}, {16, 2, 16},  {21, 31, 5}};

/// Each term passes one rounding of its product and one of each sum with the other inputs, the bias and what was there.
static void check_linear(dseg_number number) {
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        size_t rows = shapes[s][0], inputs = shapes[s][1], outputs = shapes[s][2];
        learned w = learn(number, outputs, inputs, 1);
        operands p = {.x = framed(rows, inputs, 1.0f), .w = w.panels};
        expectation e = expect(rows * outputs, (double)inputs + 3);
        for (size_t i = 0; i < rows * outputs; i++) {
            e.sums[i] = e.reach[i] = 0;
            for (size_t k = 0; k < inputs; k++) {
                double term = at(p.x, i / outputs, k) * w.values[i % outputs * inputs + k];
                e.sums[i] += term;
                e.reach[i] += fabs(term);
            }
        }
        hold_products(p, rows, e, run_linear);
        hold_frame(p.x);
    }
}

void check_linear_f32(void) { check_linear(dseg_f32); }
void check_linear_f16(void) { check_linear(dseg_f16); }
void check_linear_bf16(void) { check_linear(dseg_bf16); }

/// Sums of whole numbers are exact. They become floats, the scales' product is one, and so is the product with it:
/// three roundings, two more where the bias and what was there are added.
void check_linear_fixed(void) {
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        size_t rows = shapes[s][0], inputs = shapes[s][1], outputs = shapes[s][2];
        learned w = learn(dseg_fixed16, outputs, inputs, 1);
        operands p = {.fixed = fixed_inputs(framed(rows, inputs, 1.0f)), .w = w.panels};
        expectation e = expect(rows * outputs, 5);
        for (size_t i = 0; i < rows * outputs; i++) {
            double sum = 0;
            for (size_t k = 0; k < inputs; k++)
                sum += (double)fixed_input(p.fixed, i / outputs, k) * fixed_weight(w.panels, i % outputs, k);
            hold(fabs(sum) < 0x1p31, 1, 0);
            e.sums[i] = sum * p.fixed.scales[i / outputs] * w.panels.scales[i % outputs];
            e.reach[i] = fabs(e.sums[i]);
        }
        hold_products(p, rows, e, run_fixed_linear);
    }
}

// ---- convolutions -----------------------------------------------------------------------------------------------

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
    size_t outputs = weights->panels.outputs, columns = weights->panels.inputs, inputs = x.columns;
    for (size_t i = 0; i < w.out_height * w.out_width * outputs; i++) {
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
    size_t outputs = weights->panels.outputs, columns = weights->panels.inputs, inputs = x.columns;
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

/// A transform of some channels, [channels, 36], and of their magnitudes.
typedef struct {
    double *values, *reach;
} transformed;

static transformed transform_kernels(const learned *weights, size_t inputs) {
    size_t count = weights->panels.outputs * inputs;
    transformed u = {take(count * 36 * sizeof(double)), take(count * 36 * sizeof(double))};
    for (size_t i = 0; i < count; i++) {
        double g[9];
        for (size_t k = 0; k < 9; k++) g[k] = weights->values[i / inputs * 9 * inputs + k * inputs + i % inputs];
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
    size_t outputs = weights->panels.outputs, inputs = x.columns;
    transformed u = transform_kernels(weights, inputs);
    transformed v = {take(inputs * 36 * sizeof(double)), take(inputs * 36 * sizeof(double))};
    size_t tiles_across = (w.out_width + 3) / 4, tiles = (w.out_height + 3) / 4 * tiles_across;
    for (size_t t = 0; t < tiles * outputs; t++) {
        size_t o = t % outputs, top = t / outputs / tiles_across * 4, left = t / outputs % tiles_across * 4;
        if (o == 0) transform_tile(x, w, top, left, v);
        double m[36] = {0}, missed[36] = {0}, reach[16], misses[16];
        for (size_t i = 0; i < 36; i++) {
            const double *of_weights = u.values + o * inputs * 36 + i;
            for (size_t c = 0; c < inputs; c++) m[i] += u.reach[(o * inputs + c) * 36 + i] * v.reach[c * 36 + i];
            if (weights->panels.scales)
                missed[i] = miss_of(grains_of(v.values + i, inputs, 36, short_row),
                                    grains_of(of_weights, inputs, 36, long_row));
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

static void run_convolution(operands p) { dseg_convolution(p.x, p.window, p.w, p.bias, p.y, p.adding, p.scratch); }

typedef struct {
    size_t height, width, kernel, stride, before, after;
    bool doubled;
    size_t inputs, outputs;
} geometry;

/// As one product for each pixel or by Winograd's way, in f32 or fixed point.
static void check_convolution(geometry g, dseg_number number, bool by_winograd, bool fixed) {
    size_t scale = g.doubled ? 2 : 1, bare = g.before + g.after - g.kernel;
    dseg_window window = {g.height,
                          g.width,
                          (g.height * scale + bare) / g.stride + 1,
                          (g.width * scale + bare) / g.stride + 1,
                          g.kernel,
                          g.stride,
                          g.before,
                          g.doubled};
    size_t rows = window.out_height * window.out_width, floats = dseg_convolution_scratch(window, g.inputs, g.outputs);
    learned w = by_winograd && fixed ? learn_kernels(number, g.outputs, g.inputs)
                                     : learn(number, g.outputs, g.inputs, g.kernel * g.kernel);
    operands p = {
        .x = framed(g.height * g.width, g.inputs, 1.0f), .w = w.panels, .window = window, .scratch = marked(floats)};
    // A product and one of its sums for each input, or, of an exact sum, that as a float, the scales' product and the
    // product with it; two for bias and earlier y.
    double roundings = (fixed ? 3 : by_winograd ? (double)g.inputs + 1 : (double)w.panels.inputs + 1) + 2;
    // Winograd's way: 8 for both sides of the inputs (two products, a difference, a sum each), 10 for the weights (two
    // of a constant, a product, two sums), 8 for the outputs (a difference, a product, two sums).
    expectation e = expect(rows * g.outputs, roundings + (by_winograd ? 26 : 0));
    convolve(p.x, window, &w, e);
    if (by_winograd) reach_of_winograd(p.x, window, &w, e);
    else if (fixed) miss_im2col(p.x, window, &w, e);
    hold_products(p, rows, e, run_convolution);
    hold_frame(p.x);
    hold_end(p.scratch, floats);
}

/// Fewer than 16 channels on either side, other kernels and other strides; the last has more rows of im2col than 960.
static const geometry im2col[] = {{1, 1, 3, 1, 1, 1, false, 3, 5},   {5, 4, 3, 1, 1, 1, false, 4, 17},
                                  {6, 7, 3, 1, 1, 1, true, 8, 15},   {9, 5, 3, 2, 1, 1, false, 17, 33},
                                  {8, 6, 3, 2, 0, 1, false, 16, 16}, {5, 6, 1, 1, 0, 0, false, 65, 31},
                                  {7, 3, 1, 2, 0, 0, true, 5, 16},   {16, 16, 3, 1, 1, 1, false, 2, 3},
                                  {4, 3, 3, 2, 1, 1, true, 31, 65},  {31, 32, 3, 1, 1, 1, false, 1, 2}};
/// Maps that end inside a tile, more tiles than a block has (64, or 256 in fixed point), inputs around a piece (128)
/// and a vector (16).
static const geometry by_winograd[] = {
    {4, 4, 3, 1, 1, 1, false, 16, 16}, {1, 1, 3, 1, 1, 1, false, 17, 31},   {5, 6, 3, 1, 1, 1, false, 33, 17},
    {3, 4, 3, 1, 1, 1, true, 16, 33},  {7, 5, 3, 1, 0, 1, false, 63, 18},   {6, 6, 3, 1, 0, 0, false, 129, 16},
    {4, 3, 3, 1, 1, 0, false, 81, 16}, {1, 261, 3, 1, 1, 1, false, 16, 16}, {1, 1029, 3, 1, 1, 1, false, 16, 16}};

void check_im2col(void) {
    for (size_t s = 0; s < sizeof im2col / sizeof *im2col; s++)
        for (int number = dseg_f32; number <= dseg_bf16; number++)
            check_convolution(im2col[s], (dseg_number)number, false, false);
}

void check_im2col_fixed(void) {
    for (size_t s = 0; s < sizeof im2col / sizeof *im2col; s++) check_convolution(im2col[s], dseg_fixed16, false, true);
}

void check_winograd(void) {
    for (size_t s = 0; s < sizeof by_winograd / sizeof *by_winograd; s++)
        for (int number = dseg_f32; number <= dseg_bf16; number++)
            check_convolution(by_winograd[s], (dseg_number)number, true, false);
}

void check_winograd_fixed(void) {
    for (size_t s = 0; s < sizeof by_winograd / sizeof *by_winograd; s++)
        for (int number = dseg_f32; number <= dseg_bf16; number++)
            check_convolution(by_winograd[s], (dseg_number)number, true, true);
}
