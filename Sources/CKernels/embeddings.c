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
