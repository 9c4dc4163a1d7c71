// Embeddings of pictures and texts: their lengths, and how near they are to each other.
#include "internal.h"

#include <math.h>

void dseg_unit_rows(dseg_matrix x) {
    for (size_t row = 0; row < x.rows; row++) {
        float *y = dseg_row(x, row);
        double squares = 0;
        for (size_t i = 0; i < x.columns; i++) squares += (double)y[i] * y[i];
        if (squares > 0) dseg_simd->affine(y, (float)(1 / sqrt(squares)), 0.0f, x.columns);
    }
}

typedef struct {
    dseg_matrix x, y, products;
} dot_products;

static void row_task(void *context, size_t row, size_t thread) {
    (void)thread;
    const dot_products *d = context;
    dseg_gemm_f32(&(dseg_product){.rows = d->x.rows,
                                  .columns = 1,
                                  .inputs = d->x.columns,
                                  .x = d->x.base,
                                  .x_stride = d->x.stride,
                                  .w = dseg_row(d->y, row),
                                  .w_stride = d->y.stride,
                                  .transposed = true,
                                  .c = dseg_row(d->products, row),
                                  .c_stride = 1});
}

void dseg_dot_products(dseg_matrix x, dseg_matrix y, dseg_matrix products) {
    dseg_parallel(y.rows, row_task, &(dot_products){x, y, products});
}

/// Columns of a task of dseg_peaks.
enum { peak_columns = 64 };

typedef struct {
    dseg_matrix x;
    size_t height, width;
    float *peaks;
} peaks;

/// The places from `place - 1` to `place + 1` that there are.
static inline size_t first_beside(size_t place) { return place > 0 ? place - 1 : 0; }
static inline size_t end_beside(size_t place, size_t length) { return dseg_least(place + 2, length); }

static void peak_task(void *context, size_t part, size_t thread) {
    (void)thread;
    const peaks *p = context;
    size_t first = part * peak_columns, count = dseg_least(peak_columns, p->x.columns - first);
    float sum[peak_columns], *most = p->peaks + first;
    for (size_t i = 0; i < count; i++) most[i] = -INFINITY;
    for (size_t place = 0; place < p->height * p->width; place++) {
        size_t row = place / p->width, column = place % p->width, number = 0;
        __builtin_memset(sum, 0, count * sizeof(float));
        for (size_t i = first_beside(row); i < end_beside(row, p->height); i++)
            for (size_t j = first_beside(column); j < end_beside(column, p->width); j++, number++)
                dseg_simd->add_scaled(dseg_row(p->x, i * p->width + j) + first, 1.0f, sum, count);
        dseg_simd->maximize(sum, 1.0f / (float)number, most, count);
    }
}

void dseg_peaks(dseg_matrix x, size_t height, size_t width, float *most) {
    dseg_parallel(dseg_parts(x.columns, peak_columns), peak_task, &(peaks){x, height, width, most});
}
