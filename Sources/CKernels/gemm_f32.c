// Products in f32 with weights in panels, and convolutions as products (im2col.c).
#include "internal.h"

/// Inputs of a pass (k blocking): a block of a panel, widened to f32, fills half of the L1 cache.
enum { block = 256 };

typedef struct {
    dseg_matrix x, y;
    dseg_panels w;
    const float *bias;
    bool adding;
    dseg_cut cut;
    dseg_window window;
    float *scratch;  // of im2col; NULL: x is multiplied as it is
} product;

/// Rows of a partial panel that are copied at a time: a multiple of the tiles' 6 and 8 rows.
enum { part_rows = 24 };

void dseg_multiply_panel(const dseg_product *p, size_t columns) {
    if (columns == dseg_panel_width) {
        dseg_simd->gemm_f32(p);
        return;
    }
    float bias[dseg_panel_width] = {0}, c[part_rows * dseg_panel_width] = {0};
    if (p->bias) __builtin_memcpy(bias, p->bias, columns * sizeof(float));
    dseg_product part = *p;
    part.bias = p->bias ? bias : NULL;
    part.c = c;
    part.c_stride = dseg_panel_width;
    for (size_t row = 0; row < p->rows; row += part.rows) {
        float *y = p->c + row * p->c_stride;
        part.rows = dseg_least(part_rows, p->rows - row);
        part.x = p->x + row * p->x_stride;
        for (size_t i = 0; p->adding && i < part.rows; i++)
            __builtin_memcpy(c + i * dseg_panel_width, y + i * p->c_stride, columns * sizeof(float));
        dseg_simd->gemm_f32(&part);
        for (size_t i = 0; i < part.rows; i++)
            __builtin_memcpy(y + i * p->c_stride, c + i * dseg_panel_width, columns * sizeof(float));
    }
}

static void product_task(void *context, size_t task, size_t thread) {
    const product *p = context;
    dseg_extent e = dseg_extent_of(p->cut, task);
    float *windows = p->scratch ? p->scratch + thread * dseg_task_rows * block : NULL;
    float widened[block * dseg_panel_width];
    for (size_t input = 0; input < p->w.inputs; input += block) {
        size_t count = dseg_least(block, p->w.inputs - input);
        dseg_product part = {.rows = e.rows, .inputs = count, .c_stride = p->y.stride};
        part.x = windows ? windows : dseg_row(p->x, e.row) + input;
        part.x_stride = windows ? block : p->x.stride;
        for (size_t i = 0; windows && i < e.rows; i++)
            dseg_im2col(p->x, p->window, e.row + i, input, count, windows + i * block);
        for (size_t panel = e.panel; panel < e.end; panel++) {
            size_t column = panel * dseg_panel_width;
            part.panel = dseg_widened_panel(p->w, panel, input, count, widened);
            part.c = dseg_row(p->y, e.row) + column;
            part.bias = input == 0 && p->bias ? p->bias + column : NULL;
            part.adding = p->adding || input > 0;
            dseg_multiply_panel(&part, dseg_least(dseg_panel_width, p->y.columns - column));
        }
    }
}

static void run(product p) {
    p.cut = dseg_cut_of(p.y.rows, p.y.columns);
    dseg_parallel(p.cut.tasks, product_task, &p);
}

void dseg_linear(dseg_matrix x, dseg_panels w, const float *bias, dseg_matrix y, bool adding) {
    run((product){.x = x, .y = y, .w = w, .bias = bias, .adding = adding});
}

size_t dseg_im2col_scratch(void) { return dseg_threads() * dseg_task_rows * block; }

void dseg_im2col_convolution(dseg_matrix x, dseg_window window, dseg_panels w, const float *bias, dseg_matrix y,
                             bool adding, float *scratch) {
    run((product){.x = x, .y = y, .w = w, .bias = bias, .adding = adding, .window = window, .scratch = scratch});
}
