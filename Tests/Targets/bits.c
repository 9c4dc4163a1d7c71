// Of the same numbers in the same shape a product in f32 has the same bits: each time, at any address and stride, and
// whether the pool's threads share its tasks or one thread takes them all.
#include "targets.h"

#include <cblas.h>
#include <string.h>

typedef struct trial trial;
struct trial {
    void (*run)(const trial *t);
    dseg_matrix x, y, k, v;  // k and v of attention
    dseg_weights w;
    dseg_window window;
    const float *bias;
    size_t scratch_floats;
    float *scratch;
};

static void run_linear(const trial *t) { dseg_linear(t->x, t->w, t->bias, t->y, true, t->scratch); }

static void run_convolution(const trial *t) {
    dseg_convolution(t->x, NULL, t->window, t->w, t->bias, t->y, true, t->scratch);
}

static void run_attention(const trial *t) {
    dseg_attention(t->x, t->k, t->v, 2, false, t->y, NULL, NULL, false, t->scratch);
}

/// A copy whose rows are `by` floats longer, and begin `by` floats behind a cache line.
static dseg_matrix moved(dseg_matrix m, size_t by) {
    dseg_matrix copy = {marked(m.rows * (m.columns + by) + by) + by, m.rows, m.columns, m.columns + by};
    for (size_t i = 0; i < m.rows; i++)
        memcpy(copy.base + i * copy.stride, m.base + i * m.stride, m.columns * sizeof(float));
    return copy;
}

/// The same trial with copies of its operands, moved as `moved` says.
static trial another(trial t, size_t by) {
    size_t size = t.w.number == dseg_f32 ? sizeof(float) : sizeof(uint16_t), bytes = t.w.outputs * t.w.inputs * size;
    t.x = moved(t.x, by);
    t.y = moved(t.y, by);
    t.k = moved(t.k, by);
    t.v = moved(t.v, by);
    if (bytes) t.w.base = memcpy((char *)take(bytes + by * size) + by * size, t.w.base, bytes);
    t.scratch = marked(t.scratch_floats + by) + by;
    return t;
}

static void hold_bits(dseg_matrix y, dseg_matrix expected) {
    for (size_t i = 0; i < y.rows; i++)
        hold(memcmp(y.base + i * y.stride, expected.base + i * expected.stride, y.columns * sizeof(float)), 0, 0);
}

static void run_task(void *trials, size_t task, size_t thread) {
    (void)thread;
    const trial *t = (const trial *)trials + task;
    t->run(t);
}

static void hold_trial(trial t) {
    trial first = another(t, 0);
    first.run(&first);
    for (size_t by = 0; by < 10; by += 3) {
        trial again = another(t, by);
        again.run(&again);
        hold_bits(again.y, first.y);
    }
    // While the pool is busy with these two, each takes its own tasks alone.
    trial alone[2] = {another(t, 5), another(t, 16)};
    dseg_parallel(2, run_task, alone);
    for (size_t i = 0; i < 2; i++) hold_bits(alone[i].y, first.y);
}

static void check_linear(size_t rows, size_t inputs, size_t outputs, dseg_number number) {
    hold_trial((trial){.run = run_linear,
                       .x = framed(rows, inputs, 1.0f),
                       .y = framed(rows, outputs, 1.0f),
                       .w = learn(number, outputs, inputs, 1).stored,
                       .bias = drawn(outputs),
                       .scratch_floats = dseg_linear_scratch(rows, inputs, outputs)});
}

static void check_convolution(size_t height, size_t width, size_t inputs, size_t outputs, dseg_number number) {
    dseg_window window = {height, width, height, width, 3, 1, 1, false};
    hold_trial((trial){.run = run_convolution,
                       .x = framed(height * width, inputs, 1.0f),
                       .y = framed(height * width, outputs, 1.0f),
                       .w = learn(number, outputs, inputs, 9).stored,
                       .window = window,
                       .bias = drawn(outputs),
                       .scratch_floats = dseg_convolution_scratch(window, inputs, outputs)});
}

static void check_attention_of(size_t rows, size_t keys, size_t columns) {
    hold_trial((trial){.run = run_attention,
                       .x = framed(rows, columns, 2.0f),
                       .y = framed(rows, columns, 1.0f),
                       .k = framed(keys, columns, 1.0f),
                       .v = framed(keys, columns, 1.0f),
                       .scratch_floats = dseg_attention_scratch(keys, columns, 2)});
}

/// Several tasks each: rows, columns and blocks of inputs; im2col; Winograd's way with few tiles and with many.
/// OpenBLAS would cut a product by the number of its own threads, if it had more than the caller's.
void check_bits(void) {
    hold(openblas_get_num_threads(), 1, 0);
    check_linear(300, 770, 33, dseg_f16);
    check_linear(5, 100, 200, dseg_f32);
    check_convolution(17, 16, 90, 5, dseg_bf16);
    check_convolution(5, 6, 133, 200, dseg_f32);
    check_convolution(1, 161, 33, 49, dseg_f16);
    check_attention_of(130, 77, 80);
}
