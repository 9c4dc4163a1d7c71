// Products by OpenBLAS, cut into tasks for the pool. The only file that knows BLAS.
#include "internal.h"

#include <cblas.h>

void dseg_single_threaded_blas(void) { openblas_set_num_threads(1); }

void dseg_product_transposed(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
                             float *c, size_t ldc, bool adding) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1.0f, a, (int)lda, b, (int)ldb,
                adding ? 1.0f : 0.0f, c, (int)ldc);
}

void dseg_product(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
                  float *c, size_t ldc) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1.0f, a, (int)lda, b, (int)ldb,
                0.0f, c, (int)ldc);
}

/// Rows of a task: enough that packing the weights anew for each task costs little (1 / 2 rows of the product).
static const size_t task_rows = 256;

typedef struct {
    dseg_matrix x, y;
    const float *w, *bias;
    size_t inputs, columns, column_tasks;
    bool adding;
    dseg_window window;
    float *scratch;                       // NULL: x is multiplied as it is
} product;

/// Cuts the outputs so that few rows still make eight tasks.
static size_t columns_of_a_task(size_t rows, size_t outputs) {
    size_t row_tasks = dseg_parts(rows, task_rows);
    if (row_tasks >= 8) return outputs;
    size_t columns = dseg_parts(outputs, dseg_parts(8, row_tasks));
    return dseg_least(outputs, columns < 64 ? 64 : dseg_parts(columns, 16) * 16);
}

/// Copies the input pixels under the kernel at output pixel `position` side by side: [kernel * kernel * inputs].
static void gather(const product *p, size_t position, float *to) {
    dseg_window w = p->window;
    size_t inputs = p->x.columns, scale = w.doubled ? 2 : 1;
    size_t height = w.height * scale, width = w.width * scale;
    size_t top = position / w.out_width * w.stride, left = position % w.out_width * w.stride;
    for (size_t i = 0; i < w.kernel; i++) {
        for (size_t j = 0; j < w.kernel; j++, to += inputs) {
            size_t y = top + i - w.before, x = left + j - w.before;         // wraps below zero
            if (y < height && x < width)
                __builtin_memcpy(to, dseg_row(p->x, y / scale * w.width + x / scale), inputs * sizeof(float));
            else
                __builtin_memset(to, 0, inputs * sizeof(float));
        }
    }
}

static void product_task(void *context, size_t task, size_t thread) {
    const product *p = context;
    size_t row = task / p->column_tasks * task_rows, column = task % p->column_tasks * p->columns;
    size_t rows = dseg_least(task_rows, p->y.rows - row), columns = dseg_least(p->columns, p->y.columns - column);
    const float *x = dseg_row(p->x, row);
    size_t stride = p->x.stride;
    if (p->scratch) {
        float *gathered = p->scratch + thread * task_rows * p->inputs;
        for (size_t i = 0; i < rows; i++) gather(p, row + i, gathered + i * p->inputs);
        x = gathered;
        stride = p->inputs;
    }
    float *y = dseg_row(p->y, row) + column;
    bool adding = p->adding || p->bias;
    for (size_t i = 0; p->bias && i < rows; i++) {
        if (p->adding)
            dseg_rows->add_scaled(p->bias + column, 1.0f, y + i * p->y.stride, columns);
        else
            __builtin_memcpy(y + i * p->y.stride, p->bias + column, columns * sizeof(float));
    }
    dseg_product_transposed(rows, columns, p->inputs, x, stride, p->w + column * p->inputs, p->inputs,
                            y, p->y.stride, adding);
}

static void run(product p) {
    if (p.y.rows == 0 || p.y.columns == 0) return;
    p.columns = columns_of_a_task(p.y.rows, p.y.columns);
    p.column_tasks = dseg_parts(p.y.columns, p.columns);
    dseg_parallel(dseg_parts(p.y.rows, task_rows) * p.column_tasks, product_task, &p);
}

void dseg_linear(dseg_matrix x, const float *w, const float *bias, dseg_matrix y, bool adding) {
    run((product){.x = x, .y = y, .w = w, .bias = bias, .inputs = x.columns, .adding = adding});
}

size_t dseg_convolution_scratch(dseg_window window, size_t inputs) {
    return dseg_threads() * task_rows * window.kernel * window.kernel * inputs;
}

void dseg_convolution(dseg_matrix x, dseg_window window, const float *w, const float *bias, dseg_matrix y, bool adding,
                      float *scratch) {
    run((product){.x = x, .y = y, .w = w, .bias = bias, .inputs = window.kernel * window.kernel * x.columns,
                  .adding = adding, .window = window, .scratch = scratch});
}
