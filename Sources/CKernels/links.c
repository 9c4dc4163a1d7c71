// The fusion of layers' attention (Sun et al.: CLIPer, 2024), and scores of texts at positions.
#include "internal.h"

/// Columns of a task, and the sides of the squares that are turned.
enum { strip_columns = 256, square = 16 };
/// The most rows of a product.
enum { most_rows = 128 };

typedef struct {
    dseg_matrix x;
    float *sums;  // [N], of each column
} columns;

static void sum_task(void *context, size_t strip, size_t thread) {
    (void)thread;
    const columns *c = context;
    size_t first = strip * strip_columns, count = dseg_least(strip_columns, c->x.columns - first);
    float *sums = c->sums + first;
    __builtin_memset(sums, 0, count * sizeof *sums);
    for (size_t row = 0; row < c->x.rows; row++) dseg_simd->add_scaled(dseg_row(c->x, row) + first, 1, sums, count);
}

static void balance_task(void *context, size_t row, size_t thread) {
    (void)thread;
    const columns *c = context;
    dseg_simd->balance(dseg_row(c->x, row), c->sums, c->x.columns);
}

static void exceed_task(void *context, size_t row, size_t thread) {
    (void)thread;
    const columns *c = context;
    dseg_simd->exceed(dseg_row(c->x, row), c->sums, c->x.columns);
}

size_t dseg_links_scratch(size_t pixels) { return pixels; }

void dseg_balance(dseg_matrix w, float *scratch) {
    columns c = {w, scratch};
    dseg_parallel(dseg_parts(w.columns, strip_columns), sum_task, &c);
    // Of a number that is not normal there may be no reciprocal.
    for (size_t i = 0; i < w.columns; i++) scratch[i] = scratch[i] < 0x1p-126f ? 0 : 1 / scratch[i];
    dseg_parallel(w.rows, balance_task, &c);
}

typedef struct {
    dseg_matrix w, y;
} symmetry;

static void symmetry_task(void *context, size_t strip, size_t thread) {
    (void)thread;
    const symmetry *s = context;
    size_t first = strip * square, end = dseg_least(first + square, s->w.rows);
    for (size_t column = 0; column < s->w.columns; column += square) {
        size_t last = dseg_least(column + square, s->w.columns);
        for (size_t i = first; i < end; i++)
            for (size_t j = column; j < last; j++)
                dseg_row(s->y, i)[j] = (dseg_row(s->w, i)[j] + dseg_row(s->w, j)[i]) * 0.5f;
    }
}

void dseg_link(dseg_matrix w, dseg_matrix y, float *scratch) {
    columns c = {y, scratch};
    dseg_parallel(dseg_parts(w.rows, square), symmetry_task, &(symmetry){w, y});
    dseg_parallel(dseg_parts(y.columns, strip_columns), sum_task, &c);
    dseg_simd->affine(scratch, 1 / (float)y.rows, 0, y.columns);
    dseg_parallel(y.rows, exceed_task, &c);
}

typedef struct {
    dseg_matrix a, b, y;
} product;

static void product_task(void *context, size_t task, size_t thread) {
    (void)thread;
    const product *p = context;
    size_t row = task * most_rows;
    dseg_gemm_f32(&(dseg_product){.rows = dseg_least(most_rows, p->a.rows - row),
                                  .columns = p->b.columns,
                                  .inputs = p->a.columns,
                                  .x = dseg_row(p->a, row),
                                  .x_stride = p->a.stride,
                                  .w = p->b.base,
                                  .w_stride = p->b.stride,
                                  .c = dseg_row(p->y, row),
                                  .c_stride = p->y.stride});
}

void dseg_multiply_matrices(dseg_matrix a, dseg_matrix b, dseg_matrix y) {
    dseg_parallel(dseg_parts(a.rows, most_rows), product_task, &(product){a, b, y});
}

typedef struct {
    dseg_matrix x;
    float scale;
} distribution;

static void softmax_task(void *context, size_t row, size_t thread) {
    (void)thread;
    const distribution *d = context;
    float *x = dseg_row(d->x, row);
    float sum = dseg_simd->exponentials(x, d->x.columns, dseg_simd->largest(x, d->x.columns), d->scale);
    dseg_simd->affine(x, 1 / sum, 0, d->x.columns);
}

void dseg_softmax(dseg_matrix x, float scale) { dseg_parallel(x.rows, softmax_task, &(distribution){x, scale}); }

void dseg_cut_below(float *map, size_t count, float share) {
    float least = share * dseg_largest(map, count);
    for (size_t i = 0; i < count; i++) map[i] = map[i] < least ? 0 : map[i];
}
