// Products in fixed point, with exact sums, and convolutions as products (im2col.c).
#include "internal.h"

/// The most rows of a task, and bytes of them: they fill half of the L2 cache, and every panel is read once for all of
/// them.
enum { most_rows = 240, most_bytes = 512 << 10 };

/// A product's outputs, cut into tasks: some rows by some panels each.
typedef struct {
    size_t rows, columns;
    size_t task_rows, panels;  // of a task
    size_t column_tasks, tasks;
} cut;

static cut cut_of(size_t rows, size_t columns, size_t inputs) {
    if (rows == 0 || columns == 0) return (cut){.column_tasks = 1};
    size_t some = dseg_greatest(most_bytes / sizeof(int32_t) / dseg_fixed_stride(inputs), 48);
    size_t row_tasks = dseg_parts(rows, dseg_least(some, most_rows));
    size_t panels = dseg_parts(columns, dseg_panel_width);
    size_t part = dseg_parts(panels, dseg_least(panels, dseg_parts(48, row_tasks)));  // 48 tasks, where possible
    size_t column_tasks = dseg_parts(panels, part);
    return (cut){rows, columns, dseg_parts(rows, row_tasks), part, column_tasks, row_tasks * column_tasks};
}

/// The outputs of a task: rows, and panels up to `end`.
typedef struct {
    size_t row, rows;
    size_t panel, end;
} extent;

static extent extent_of(cut cut, size_t task) {
    size_t row = task / cut.column_tasks * cut.task_rows, panel = task % cut.column_tasks * cut.panels;
    return (extent){row, dseg_least(cut.task_rows, cut.rows - row), panel,
                    dseg_least(panel + cut.panels, dseg_parts(cut.columns, dseg_panel_width))};
}

typedef struct {
    dseg_fixed_inputs x;
    dseg_panels w;
    const float *bias;
    dseg_matrix y;
    bool adding;
    cut cut;
} product;

/// The product of an extent's rows with a panel; fills in the scales and bias of `to`.
static void multiply(const product *p, extent e, size_t panel, dseg_dequantized to) {
    size_t stride = dseg_fixed_stride(p->x.columns), output = panel * dseg_panel_width;
    to.row_scales = p->x.scales + e.row;
    to.column_scales = p->w.scales + output;
    to.bias = p->bias ? p->bias + output : NULL;
    dseg_simd->gemm_int16(
        &(dseg_pair_product){.rows = e.rows,
                             .pairs = dseg_parts(p->x.columns, 2),
                             .x = p->x.values + e.row * stride,
                             .x_stride = stride,
                             .panel = (const int32_t *)p->w.base + output * dseg_panel_rows(p->x.columns),
                             .crossed = dseg_multiplies_crosswise,
                             .dequantized = &to});
}

static void product_task(void *context, size_t task, size_t thread) {
    (void)thread;
    const product *p = context;
    extent e = extent_of(p->cut, task);
    for (size_t panel = e.panel; panel < e.end; panel++) {
        size_t column = panel * dseg_panel_width;
        multiply(p, e, panel,
                 (dseg_dequantized){.columns = dseg_least(dseg_panel_width, p->y.columns - column),
                                    .y = dseg_row(p->y, e.row) + column,
                                    .y_stride = p->y.stride,
                                    .adding = p->adding});
    }
}

static void gated_task(void *context, size_t task, size_t thread) {
    (void)thread;
    const product *p = context;
    extent e = extent_of(p->cut, task);
    float h[most_rows * dseg_panel_width], g[most_rows * dseg_panel_width];
    for (size_t panel = e.panel; panel < e.end; panel++) {
        dseg_dequantized to = {.columns = dseg_panel_width, .y = h, .y_stride = dseg_panel_width};
        multiply(p, e, panel, to);
        to.y = g;
        multiply(p, e, panel + p->y.columns / dseg_panel_width, to);
        dseg_simd->gelu_gate(h, g, h, e.rows * dseg_panel_width);
        for (size_t i = 0; i < e.rows; i++)
            __builtin_memcpy(dseg_row(p->y, e.row + i) + panel * dseg_panel_width, h + i * dseg_panel_width,
                             dseg_panel_width * sizeof(float));
    }
}

void dseg_fixed_linear(dseg_fixed_inputs x, dseg_panels w, const float *bias, dseg_matrix y, bool adding) {
    product p = {x, w, bias, y, adding, cut_of(y.rows, y.columns, x.columns)};
    dseg_parallel(p.cut.tasks, product_task, &p);
}

void dseg_fixed_gated_linear(dseg_fixed_inputs x, dseg_panels w, const float *bias, dseg_matrix y) {
    product p = {x, w, bias, y, false, cut_of(y.rows, y.columns, x.columns)};
    dseg_parallel(p.cut.tasks, gated_task, &p);
}

/// Rows of im2col that are multiplied together: enough for all threads, and not all of a large map.
enum { im2col_rows = 4 * most_rows };

static size_t numbers_of(size_t rows, size_t inputs) { return rows * (dseg_fixed_stride(inputs) + 1); }

size_t dseg_im2col_fixed_scratch(size_t rows, size_t inputs) {
    return dseg_threads() * inputs + numbers_of(dseg_least(im2col_rows, rows), inputs);
}

void dseg_im2col_fixed_convolution(dseg_matrix x, dseg_window window, dseg_panels w, const float *bias, dseg_matrix y,
                                   bool adding, float *scratch) {
    dseg_fixed_inputs windows = {.scales = scratch + dseg_threads() * w.inputs, .columns = w.inputs};
    windows.values = (int32_t *)windows.scales + dseg_least(im2col_rows, y.rows);
    for (size_t first = 0; first < y.rows; first += windows.rows) {
        windows.rows = dseg_least(im2col_rows, y.rows - first);
        dseg_quantize_windows(x, window, first, windows, scratch);
        dseg_matrix part_of_y = {dseg_row(y, first), windows.rows, y.columns, y.stride};
        dseg_fixed_linear(windows, w, bias, part_of_y, adding);
    }
}
