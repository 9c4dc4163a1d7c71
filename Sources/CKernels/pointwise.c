// Elementwise operations and embeddings.
#include "internal.h"

#include <math.h>

/// Rows of a task.
enum { strip_rows = 64 };

typedef struct {
    dseg_matrix x, y;
    float a, b;
    void (*row)(const float *x, float *y, size_t columns, float a, float b);
} pointwise;

static void strip_task(void *context, size_t strip, size_t thread) {
    (void)thread;
    const pointwise *p = context;
    size_t row = strip * strip_rows, end = dseg_least(row + strip_rows, p->x.rows);
    for (; row < end; row++) p->row(dseg_row(p->x, row), dseg_row(p->y, row), p->y.columns, p->a, p->b);
}

static void run(pointwise p) { dseg_parallel(dseg_parts(p.x.rows, strip_rows), strip_task, &p); }

static void sigmoid_gate_row(const float *x, float *y, size_t columns, float a, float b) {
    (void)x, (void)b;
    dseg_simd->sigmoid_gate(y, a, columns);
}

static void gelu_row(const float *x, float *y, size_t columns, float a, float b) {
    (void)x, (void)a, (void)b;
    dseg_simd->gelu(y, columns);
}

static void gelu_gate_row(const float *x, float *y, size_t columns, float a, float b) {
    (void)a, (void)b;
    dseg_simd->gelu_gate(x, x + columns, y, columns);
}

static void copy_row(const float *x, float *y, size_t columns, float a, float b) {
    (void)a, (void)b;
    __builtin_memmove(y, x, columns * sizeof(float));
}

static void clear_row(const float *x, float *y, size_t columns, float a, float b) {
    (void)x, (void)a, (void)b;
    __builtin_memset(y, 0, columns * sizeof(float));
}

static void blend_row(const float *x, float *y, size_t columns, float a, float b) {
    dseg_simd->blend(x, a, y, b, columns);
}

static void affine_row(const float *x, float *y, size_t columns, float a, float b) {
    (void)x;
    dseg_simd->affine(y, a, b, columns);
}

static void logarithm_row(const float *x, float *y, size_t columns, float a, float b) {
    (void)a, (void)b;
    dseg_simd->logarithms(x, y, columns);
}

static void multiply_row(const float *x, float *y, size_t columns, float a, float b) {
    (void)a, (void)b;
    for (size_t i = 0; i < columns; i++) y[i] *= x[i];
}

static void deviation_row(const float *x, float *y, size_t columns, float a, float b) {
    (void)a, (void)b;
    for (size_t i = 0; i < columns; i++) {
        float above = x[i] < -30.0f ? -30.0f : x[i];  // NaN passes
        y[i] = expf(0.5f * (above > 20.0f ? 20.0f : above));
    }
}

void dseg_silu(dseg_matrix x) { run((pointwise){x, x, 1.0f, 0, sigmoid_gate_row}); }
void dseg_quick_gelu(dseg_matrix x) { run((pointwise){x, x, 1.702f, 0, sigmoid_gate_row}); }
void dseg_gelu(dseg_matrix x) { run((pointwise){x, x, 0, 0, gelu_row}); }
void dseg_gated_gelu(dseg_matrix x, dseg_matrix y) { run((pointwise){x, y, 0, 0, gelu_gate_row}); }
void dseg_copy(dseg_matrix x, dseg_matrix y) {
    if (x.base != y.base || x.stride != y.stride) run((pointwise){x, y, 0, 0, copy_row});
}
void dseg_clear(dseg_matrix x) { run((pointwise){x, x, 0, 0, clear_row}); }
void dseg_blend(dseg_matrix x, float a, dseg_matrix y, float b) { run((pointwise){x, y, a, b, blend_row}); }
void dseg_affine(dseg_matrix x, float a, float b) { run((pointwise){x, x, a, b, affine_row}); }
void dseg_logarithm(dseg_matrix x, dseg_matrix y) { run((pointwise){.x = x, .y = y, .row = logarithm_row}); }

void dseg_multiply(dseg_matrix x, dseg_matrix y) { run((pointwise){x, y, 0, 0, multiply_row}); }
void dseg_deviation(dseg_matrix x) { run((pointwise){x, x, 0, 0, deviation_row}); }

void dseg_add_weighted(dseg_matrix x, const float *r, const float *c, dseg_matrix y) {
    for (size_t i = 0; i < x.rows; i++) {
        const float *from = dseg_row(x, i);
        float *to = dseg_row(y, i);
        for (size_t j = 0; j < x.columns; j++) to[j] += r[i] * from[j] * c[j];
    }
}

/// y ← a row of the table, or y ← y + that row when `adding`.
static void read_row(dseg_table table, size_t row, float *y, bool adding) {
    enum { part = 64 };
    float buffer[part];
    for (size_t i = 0; i < table.columns; i += part) {
        size_t count = dseg_least(part, table.columns - i);
        const float *from = dseg_widened(table.base, table.number, row * table.columns + i, count, buffer);
        if (adding) dseg_simd->add_scaled(from, 1.0f, y + i, count);
        else __builtin_memcpy(y + i, from, count * sizeof(float));
    }
}

void dseg_read(dseg_table table, dseg_matrix y, bool adding) {
    for (size_t i = 0; i < y.rows; i++) read_row(table, i, dseg_row(y, i), adding);
}

void dseg_embed(const int32_t *tokens, dseg_table table, dseg_table positions, dseg_matrix y) {
    for (size_t i = 0; i < y.rows; i++) {
        read_row(table, (size_t)tokens[i], dseg_row(y, i), false);
        read_row(positions, i, dseg_row(y, i), true);
    }
}

void dseg_timestep_embedding(float timestep, bool cosines_first, float frequency_shift, float *y, size_t count) {
    size_t half = count / 2;
    for (size_t i = 0; i < half; i++) {
        float exponent = -logf(10000.0f) * (float)i / ((float)half - frequency_shift);
        float angle = timestep * expf(exponent);
        y[i] = cosines_first ? cosf(angle) : sinf(angle);
        y[half + i] = cosines_first ? sinf(angle) : cosf(angle);
    }
    if (count % 2) y[count - 1] = 0.0f;
}
