// Products and convolutions against their definitions.
#include "bodies.h"

#include <string.h>

/// What is to come out of a product: each number's value and its terms' magnitudes, without bias and earlier y.
typedef struct {
    double *sums, *reach;
    double roundings;
} expectation;

static expectation expect(size_t count, double roundings) {
    return (expectation){take(count * sizeof(double)), take(count * sizeof(double)), roundings};
}

/// Adding to what stands there or not, with a bias or without: `run` writes y.
typedef struct {
    dseg_matrix x, y;
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
                 gamma_of(e.roundings) * (e.reach[i] + fabs(b) + fabs(before[i])));
        }
        hold_frame(p.y);
    }
}

static void run_linear(operands p) { dseg_linear(p.x, p.w, p.bias, p.y, p.adding); }

/// Each term passes one rounding of its product and one of each sum with the other inputs, the bias and what was there.
static void check_linear(dseg_number number) {
    static const size_t shapes[][3] = {
        {1, 1, 1}, {5, 7, 15}, {6, 8, 16}, {7, 9, 17}, {8, 63, 31}, {9, 64, 33}, {13, 65, 47}, {4, 255, 16},
        {5, 256, 17}, {11, 257, 33}, {3, 513, 18}, {239, 5, 3}, {240, 3, 16}, {241, 6, 17}, {25, 17, 63}, {2, 16, 65},
        {1, 33, 257}, {17, 40, 80}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        size_t rows = shapes[s][0], inputs = shapes[s][1], outputs = shapes[s][2];
        learned w = learn(number, outputs, inputs, 1);
        operands p = {.x = framed(rows, inputs, 1.0f), .w = w.panels};
        expectation e = expect(rows * outputs, (double)inputs + 3);
        for (size_t i = 0; i < rows * outputs; i++) {
            e.sums[i] = e.reach[i] = 0;
            for (size_t k = 0; k < inputs; k++) {
                double x = at(p.x, i / outputs, k);
                double term = (number == dseg_bf16_pairs ? nearest_bf16(x) : x) * w.values[i % outputs * inputs + k];
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
void check_linear_pairs(void) { check_linear(dseg_bf16_pairs); }

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

// The magnitudes of Winograd's F(4x4, 3x3) (tiles.h): with |B|, |G| and |A| for the transforms, the sums of magnitudes
// |A|^T ((|G| |g| |G|^T) (|B|^T |d| |B|)) |A| take the place of the sums of products' magnitudes.
static const double inputs_side[] = {4, 0, 5, 0, 1, 0, 0, 4, 4, 1, 1, 0, 0, 4, 4, 1, 1, 0,
                                     0, 2, 1, 2, 1, 0, 0, 2, 1, 2, 1, 0, 0, 4, 0, 5, 0, 1};
static const double weights_side[] = {1 / 4., 0, 0, 1 / 6., 1 / 6., 1 / 6., 1 / 6., 1 / 6., 1 / 6.,
                                      1 / 24., 1 / 12., 1 / 6., 1 / 24., 1 / 12., 1 / 6., 0, 0, 1};
static const double outputs_side[] = {1, 1, 1, 1, 1, 0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 4, 4, 0, 0, 1, 1, 8, 8, 1};

/// y [rows, rows] <- t x t^T, t [rows, columns], x [columns, columns]
static void transform(const double *t, size_t rows, size_t columns, const double *x, double *y) {
    double half[36];
    for (size_t i = 0; i < rows * columns; i++) {
        half[i] = 0;
        for (size_t k = 0; k < columns; k++) half[i] += t[i / columns * columns + k] * x[k * columns + i % columns];
    }
    for (size_t i = 0; i < rows * rows; i++) {
        y[i] = 0;
        for (size_t k = 0; k < columns; k++) y[i] += half[i / rows * columns + k] * t[i % rows * columns + k];
    }
}

static void reach_of_tile(dseg_matrix x, dseg_window w, size_t top, size_t left, const double *u, size_t outputs,
                          double *reach) {
    double *v = take(x.columns * 36 * sizeof(double));
    for (size_t c = 0; c < x.columns; c++) {
        double d[36];
        for (size_t i = 0; i < 36; i++) {
            const float *from = pixel(x, w, top + i / 6, left + i % 6);
            d[i] = from ? fabs(from[c]) : 0;
        }
        transform(inputs_side, 6, 6, d, v + c * 36);
    }
    for (size_t o = 0; o < outputs; o++) {
        double m[36] = {0}, y[16];
        for (size_t c = 0; c < x.columns; c++)
            for (size_t i = 0; i < 36; i++) m[i] += u[(o * x.columns + c) * 36 + i] * v[c * 36 + i];
        transform(outputs_side, 4, 6, m, y);
        for (size_t i = 0; i < 16; i++) {
            size_t row = top + i / 4, column = left + i % 4;
            if (row < w.out_height && column < w.out_width)
                reach[(row * w.out_width + column) * outputs + o] = y[i];
        }
    }
}

static void reach_of_winograd(dseg_matrix x, dseg_window w, const learned *weights, double *reach) {
    size_t outputs = weights->panels.outputs, inputs = x.columns;
    double *u = take(outputs * inputs * 36 * sizeof(double));
    for (size_t i = 0; i < outputs * inputs; i++) {
        double g[9];
        for (size_t k = 0; k < 9; k++)
            g[k] = fabs(weights->values[i / inputs * 9 * inputs + k * inputs + i % inputs]);
        transform(weights_side, 6, 3, g, u + i * 36);
    }
    for (size_t top = 0; top < w.out_height; top += 4)
        for (size_t left = 0; left < w.out_width; left += 4) reach_of_tile(x, w, top, left, u, outputs, reach);
}

static void run_convolution(operands p) {
    dseg_convolution(p.x, p.window, p.w, p.bias, p.y, p.adding, p.scratch);
}

typedef struct {
    size_t height, width, kernel, stride, before, after;
    bool doubled;
    size_t inputs, outputs;
} geometry;

static void check_convolution(geometry g, dseg_number number, bool by_winograd) {
    size_t scale = g.doubled ? 2 : 1, bare = g.before + g.after - g.kernel;
    dseg_window window = {g.height, g.width, (g.height * scale + bare) / g.stride + 1,
                          (g.width * scale + bare) / g.stride + 1, g.kernel, g.stride, g.before, g.doubled};
    size_t rows = window.out_height * window.out_width;
    learned w = learn(number, g.outputs, g.inputs, g.kernel * g.kernel);
    size_t floats = dseg_convolution_scratch(window, g.inputs, g.outputs);
    operands p = {.x = framed(g.height * g.width, g.inputs, 1.0f), .w = w.panels, .window = window,
                  .scratch = marked(floats)};
    // Winograd's way: 6 roundings for both sides of the inputs, 8 for the weights (two of a constant, two of sums, on
    // each side), 6 for the outputs, one for a product and one for each of its sums, two for bias and earlier y.
    expectation e = expect(rows * g.outputs, (double)(by_winograd ? g.inputs + 23 : w.panels.inputs + 3));
    convolve(p.x, window, &w, e);
    if (by_winograd) reach_of_winograd(p.x, window, &w, e.reach);
    hold_products(p, rows, e, run_convolution);
    hold_frame(p.x);
    hold_end(p.scratch, floats);
}

/// Fewer than 16 channels on either side, other kernels and other strides.
void check_gathered(void) {
    static const geometry shapes[] = {
        {1, 1, 3, 1, 1, 1, false, 3, 5}, {5, 4, 3, 1, 1, 1, false, 4, 17}, {6, 7, 3, 1, 1, 1, true, 8, 15},
        {9, 5, 3, 2, 1, 1, false, 17, 33}, {8, 6, 3, 2, 0, 1, false, 16, 16}, {5, 6, 1, 1, 0, 0, false, 65, 31},
        {7, 3, 1, 2, 0, 0, true, 5, 16}, {16, 16, 3, 1, 1, 1, false, 2, 3}, {4, 3, 3, 2, 1, 1, true, 31, 65}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int number = dseg_f32; number <= dseg_bf16; number++)
            check_convolution(shapes[s], (dseg_number)number, false);
}

/// Maps that end inside a tile, more tiles than a block has (64), inputs around a piece (64) and a vector (16).
void check_winograd(void) {
    static const geometry shapes[] = {
        {4, 4, 3, 1, 1, 1, false, 16, 16}, {1, 1, 3, 1, 1, 1, false, 17, 31}, {5, 6, 3, 1, 1, 1, false, 33, 17},
        {3, 4, 3, 1, 1, 1, true, 16, 33}, {7, 5, 3, 1, 0, 1, false, 63, 18}, {6, 6, 3, 1, 0, 0, false, 65, 16},
        {4, 3, 3, 1, 1, 0, false, 81, 16}, {1, 261, 3, 1, 1, 1, false, 16, 16}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int number = dseg_f32; number <= dseg_bf16; number++)
            check_convolution(shapes[s], (dseg_number)number, true);
}
