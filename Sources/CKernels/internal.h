// Declarations that the kernels' files share among themselves.
#ifndef DSEG_INTERNAL_H
#define DSEG_INTERNAL_H

#include "dispatch.h"

static inline float *dseg_row(dseg_matrix m, size_t row) { return m.base + row * m.stride; }
static inline size_t dseg_least(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t dseg_parts(size_t count, size_t size) { return (count + size - 1) / size; }

/// The Euclidean length to which rows are scaled to be quantized: by Cauchy-Schwarz a product of two is below 2^31.
#define DSEG_FIXED_LENGTH 46000.0f

/// Rows of a task: they fill half of the L2 cache, and every panel is read once for all of them.
enum { dseg_task_rows = 240 };

/// A product's outputs, cut into tasks: some rows by some panels each.
typedef struct {
    size_t rows, columns;
    size_t panels;  // of a task
    size_t column_tasks, tasks;
} dseg_cut;

static inline dseg_cut dseg_cut_of(size_t rows, size_t columns) {
    if (rows == 0 || columns == 0) return (dseg_cut){.column_tasks = 1};
    size_t panels = dseg_parts(columns, dseg_panel_width), row_tasks = dseg_parts(rows, dseg_task_rows);
    size_t part = dseg_parts(panels, dseg_least(panels, dseg_parts(48, row_tasks)));  // 48 tasks, where possible
    size_t column_tasks = dseg_parts(panels, part);
    return (dseg_cut){rows, columns, part, column_tasks, row_tasks * column_tasks};
}

/// The outputs of a task: rows, and panels up to `end`.
typedef struct {
    size_t row, rows;
    size_t panel, end;
} dseg_extent;

static inline dseg_extent dseg_extent_of(dseg_cut cut, size_t task) {
    size_t row = task / cut.column_tasks * dseg_task_rows, panel = task % cut.column_tasks * cut.panels;
    return (dseg_extent){row, dseg_least(dseg_task_rows, cut.rows - row), panel,
                         dseg_least(panel + cut.panels, dseg_parts(cut.columns, dseg_panel_width))};
}

// ---- widen.c ----------------------------------------------------------------------------------------------------

/// `count` stored numbers from the `first` on as f32: where they lie, or widened in `buffer`.
const float *dseg_widened(const void *base, dseg_number number, size_t first, size_t count, float *buffer);
/// `count` inputs of a panel from `input` on, [count, 16].
const float *dseg_widened_panel(dseg_panels w, size_t panel, size_t input, size_t count, float *buffer);

// ---- im2col.c ---------------------------------------------------------------------------------------------------

/// to [count] ← the part from `first` on of an output pixel's im2col row, [kernel * kernel * inputs].
void dseg_im2col(dseg_matrix x, dseg_window window, size_t pixel, size_t first, size_t count, float *to);

// ---- quantize.c -------------------------------------------------------------------------------------------------

/// y ← the im2col rows of y.rows output pixels from `first` on, quantized; buffer [threads, y.columns].
void dseg_quantize_windows(dseg_matrix x, dseg_window window, size_t first, dseg_fixed_inputs y, float *buffer);

// ---- gemm_f32.c, gemm_int16.c -----------------------------------------------------------------------------------

/// dseg_simd->gemm_f32 of which only the first `columns` <= 16 columns are stored to c.
void dseg_multiply_panel(const dseg_product *product, size_t columns);

size_t dseg_im2col_scratch(void);
void dseg_im2col_convolution(dseg_matrix x, dseg_window window, dseg_panels w, const float *bias, dseg_matrix y,
                             bool adding, float *scratch);
size_t dseg_im2col_fixed_scratch(size_t rows, size_t inputs);
/// dseg_im2col_convolution with inputs and weights in fixed point.
void dseg_im2col_fixed_convolution(dseg_matrix x, dseg_window window, dseg_panels w, const float *bias, dseg_matrix y,
                                   bool adding, float *scratch);

// ---- winograd.c -------------------------------------------------------------------------------------------------

/// `count` inputs of a panel of 3 x 3 kernels, from `input` on.
static inline dseg_kernels dseg_kernels_of(dseg_panels w, size_t panel, size_t input, size_t count) {
    size_t step = w.inputs / 9 * dseg_panel_width;
    return (dseg_kernels){w.base, w.number, panel * 9 * step + input * dseg_panel_width, step, count};
}

size_t dseg_winograd_scratch(dseg_window window, size_t inputs);
void dseg_winograd_convolution(dseg_matrix x, const dseg_gains *gains, dseg_window window, dseg_panels w,
                               const float *bias, dseg_matrix y, bool adding, float *scratch);

#endif
