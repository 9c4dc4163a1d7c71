// Products in f32 with weights as checkpoints store them, and convolutions as products (im2col.c).
//
// A task computes some rows by some columns, and takes one block of inputs after another (k blocking):
//
//     x [rows, block]         where it lies, or gathered by im2col
//     w [columns, block]      where it lies, or widened to f32
//     y [rows, columns] += x w^T
#include "internal.h"

/// The most rows, columns and inputs of a product. OpenBLAS packs both operands in every call: each number of x is used
/// for all columns of the task, each weight for all its rows. Rows that im2col gathers cost more than that.
enum { most_rows = 256, most_columns = 192, most_gathering_columns = 512, most_inputs = 768 };
/// Where rows are few, so many tasks, if each has so many columns.
enum { wanted_tasks = 6, least_columns = 32 };

/// Sizes that follow from the operands' alone, since the bits of a product depend on how it is cut. With im2col a block
/// has whole kernels of some channels.
typedef struct {
    size_t rows, columns, block;
    size_t row_tasks, tasks;
} cut;

/// The size of `parts` equal parts, if they are to be multiples of `unit`.
static size_t part_of(size_t count, size_t parts, size_t unit) {
    return dseg_greatest(dseg_parts(count, dseg_greatest(parts, 1) * unit), 1) * unit;
}

static cut cut_of(size_t rows, size_t columns, size_t channels, size_t positions) {
    if (rows == 0 || columns == 0) return (cut){.row_tasks = 1};
    cut c = {.row_tasks = dseg_parts(rows, most_rows)};
    c.rows = part_of(rows, c.row_tasks, 1);
    size_t wanted = dseg_least(dseg_parts(wanted_tasks, c.row_tasks), columns / least_columns);
    size_t parts = dseg_greatest(wanted, dseg_parts(columns, positions > 1 ? most_gathering_columns : most_columns));
    if (parts > 1) parts += parts % 2;  // two threads end together
    c.columns = part_of(columns, parts, dseg_panel_width);
    c.block = part_of(channels, dseg_parts(channels * positions, most_inputs), 1) * positions;
    c.tasks = c.row_tasks * dseg_parts(columns, c.columns);
    return c;
}

typedef struct {
    dseg_matrix x, y;
    dseg_weights w;
    const float *bias;
    bool adding;
    const dseg_window *window;  // of im2col; NULL: x is multiplied as it is
    cut cut;
    float *scratch;  // for each thread a block of weights, and with im2col one of x
} product;

static size_t thread_floats(cut c, bool gathers) { return (c.columns + (gathers ? c.rows : 0)) * c.block; }

/// y ← bias, or y ← y + bias when adding, for some rows and columns.
static void add_bias(const product *p, size_t row, size_t rows, size_t column, size_t columns) {
    for (size_t i = row; i < row + rows; i++) {
        float *y = dseg_row(p->y, i) + column;
        if (p->adding) dseg_simd->add_scaled(p->bias + column, 1.0f, y, columns);
        else __builtin_memcpy(y, p->bias + column, columns * sizeof(float));
    }
}

static void product_task(void *context, size_t task, size_t thread) {
    const product *p = context;
    const dseg_window *window = p->window;
    size_t row = task % p->cut.row_tasks * p->cut.rows, column = task / p->cut.row_tasks * p->cut.columns;
    dseg_product part = {.rows = dseg_least(p->cut.rows, p->y.rows - row),
                         .columns = dseg_least(p->cut.columns, p->y.columns - column),
                         .transposed = true,
                         .c = dseg_row(p->y, row) + column,
                         .c_stride = p->y.stride};
    float *widened = p->scratch + thread * thread_floats(p->cut, window);
    float *gathered = widened + p->cut.columns * p->cut.block;
    if (p->bias) add_bias(p, row, part.rows, column, part.columns);
    for (size_t input = 0; input < p->w.inputs; input += p->cut.block) {
        size_t count = dseg_least(p->cut.block, p->w.inputs - input);
        for (size_t i = 0; window && i < part.rows; i++)
            dseg_im2col_part(p->x, *window, row + i, input, count, gathered + i * count);
        part.inputs = count;
        part.x = window ? gathered : dseg_row(p->x, row) + input;
        part.x_stride = window ? count : p->x.stride;
        part.w = dseg_widened_rows(p->w, column, part.columns, input, count, widened, &part.w_stride);
        part.adding = p->adding || p->bias || input > 0;
        dseg_gemm_f32(&part);
    }
}

size_t dseg_linear_scratch(size_t rows, size_t inputs, size_t outputs) {
    return dseg_threads() * thread_floats(cut_of(rows, outputs, inputs, 1), false);
}

void dseg_linear(dseg_matrix x, dseg_weights w, const float *bias, dseg_matrix y, bool adding, float *scratch) {
    product p = {.x = x, .y = y, .w = w, .bias = bias, .adding = adding, .scratch = scratch};
    p.cut = cut_of(y.rows, y.columns, w.inputs, 1);
    dseg_parallel(p.cut.tasks, product_task, &p);
}

size_t dseg_im2col_scratch(dseg_window window, size_t inputs, size_t outputs) {
    size_t rows = window.out_height * window.out_width;
    return dseg_threads() * thread_floats(cut_of(rows, outputs, inputs, window.kernel * window.kernel), true);
}

void dseg_im2col_convolution(dseg_matrix x, dseg_window window, dseg_weights w, const float *bias, dseg_matrix y,
                             bool adding, float *scratch) {
    product p = {.x = x, .y = y, .w = w, .bias = bias, .adding = adding, .window = &window, .scratch = scratch};
    p.cut = cut_of(y.rows, y.columns, x.columns, window.kernel * window.kernel);
    dseg_parallel(p.cut.tasks, product_task, &p);
}
