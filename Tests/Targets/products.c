// Products against their definitions.
#include "targets.h"

#include <string.h>

expectation expect(size_t count, double roundings) {
    size_t bytes = count * sizeof(double);
    expectation e = {take(bytes), take(bytes), take(bytes), roundings, 1};
    memset(e.misses, 0, bytes);
    return e;
}

/// Leaves NaN on a thread's stack, that what a product finds there and has not written may show.
static void spoil(void *context, size_t task, size_t thread) {
    (void)context, (void)task, (void)thread;
    char stack[200 << 10];
    memset(stack, 0xff, sizeof stack);
    __asm__ volatile("" : : "r"(stack) : "memory");
}

void hold_products(operands p, size_t rows, expectation e, void (*run)(operands p)) {
    size_t outputs = p.w.stored.outputs;
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
            if (i % outputs % e.step) continue;
            double b = p.bias ? bias[i % outputs] : 0;
            hold(at(p.y, i / outputs, i % outputs), e.sums[i] + b + before[i],
                 e.misses[i] + gamma_of(e.roundings) * (e.reach[i] + fabs(b) + fabs(before[i])));
        }
        hold_frame(p.y);
    }
}

static void run_linear(operands p) { dseg_linear(p.x, p.w.stored, p.bias, p.y, p.adding, p.scratch); }
static void run_fixed_linear(operands p) { dseg_fixed_linear(p.fixed, p.w.panels, p.bias, p.y, p.adding); }

/// Around what a task takes at most: in f32 256 rows, 192 columns (where rows are few, down to 32 for up to six tasks)
/// and 768 inputs at a time, in fixed point 240 rows and panels of 16 columns.
static const size_t shapes[][3] = {{1, 1, 1},    {5, 7, 15},   {6, 8, 16},   {7, 9, 17},    {8, 63, 31},  {9, 64, 33},
                                   {13, 65, 47}, {4, 255, 16}, {5, 256, 17}, {11, 257, 33}, {3, 513, 18}, {239, 5, 3},
                                   {240, 3, 16}, {241, 6, 17}, {25, 17, 63}, {2, 16, 65},   {1, 33, 257}, {17, 40, 80},
                                   {16, 2, 16},  {21, 31, 5},  {256, 3, 9},  {257, 4, 385}, {513, 5, 7},  {2, 3, 1153},
                                   {3, 2, 193},  {5, 767, 9},  {3, 768, 16}, {7, 769, 10},  {2, 1537, 33}};

/// Each term passes one rounding of its product and one of each sum with the other inputs, the bias and what was there.
static void check_linear(dseg_number number) {
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        size_t rows = shapes[s][0], inputs = shapes[s][1], outputs = shapes[s][2];
        learned w = learn(number, outputs, inputs, 1);
        size_t floats = dseg_linear_scratch(rows, inputs, outputs);
        operands p = {.x = framed(rows, inputs, 1.0f), .w = w, .scratch = marked(floats)};
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
        hold_end(p.scratch, floats);
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
        operands p = {.fixed = fixed_inputs(framed(rows, inputs, 1.0f)), .w = w};
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
