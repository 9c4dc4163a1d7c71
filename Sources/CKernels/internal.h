// Declarations that the kernels' files share among themselves.
#ifndef DSEG_INTERNAL_H
#define DSEG_INTERNAL_H

#include "dispatch.h"

static inline float *dseg_row(dseg_matrix m, size_t row) { return m.base + row * m.stride; }
static inline size_t dseg_least(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t dseg_greatest(size_t a, size_t b) { return a > b ? a : b; }
static inline size_t dseg_parts(size_t count, size_t size) { return (count + size - 1) / size; }
/// A multiple of a panel's width.
static inline size_t dseg_padded(size_t count) { return dseg_parts(count, dseg_panel_width) * dseg_panel_width; }

typedef float f32x4 __attribute__((vector_size(16), aligned(4)));

/// Transposes [4, 4] of any vectors of four. Interleaving rows i and i + 2 (unpcklps, unpckhps, zip1, zip2) does it in
/// two rounds.
#define DSEG_TRANSPOSE(vector, rows) \
    for (int round = 0; round < 2; round++) { \
        vector a = rows[0], b = rows[1], c = rows[2], d = rows[3]; \
        rows[0] = __builtin_shufflevector(a, c, 0, 4, 1, 5); \
        rows[1] = __builtin_shufflevector(a, c, 2, 6, 3, 7); \
        rows[2] = __builtin_shufflevector(b, d, 0, 4, 1, 5); \
        rows[3] = __builtin_shufflevector(b, d, 2, 6, 3, 7); \
    }

static inline void dseg_transpose(f32x4 *rows) { DSEG_TRANSPOSE(f32x4, rows) }

/// The Euclidean length to which rows are scaled to be quantized: by Cauchy-Schwarz a product of two is below 2^31.
#define DSEG_FIXED_LENGTH 46000.0f

// ---- widen.c ----------------------------------------------------------------------------------------------------

/// `count` stored numbers from the `first` on as f32: where they lie, or widened in `buffer`.
const float *dseg_widened(const void *base, dseg_number number, size_t first, size_t count, float *buffer);
/// `count` inputs of `rows` outputs from `row` on, [rows, count]: where they lie, or widened in `buffer`; numbers of
/// two rows are `stride` apart.
const float *dseg_widened_rows(dseg_weights w, size_t row, size_t rows, size_t first, size_t count, float *buffer,
                               size_t *stride);
/// `count` inputs of a panel from `input` on, [count, 16].
const float *dseg_widened_panel(dseg_panels w, size_t panel, size_t input, size_t count, float *buffer);

// ---- im2col.c ---------------------------------------------------------------------------------------------------

/// to [kernel * kernel, inputs] ← the im2col row of an output pixel.
void dseg_im2col(dseg_matrix x, dseg_window window, size_t pixel, float *to);
/// to [count] ← the part from `first` on of an output pixel's im2col row in the order in which checkpoints store
/// weights, [inputs, kernel * kernel]; whole channels.
void dseg_im2col_part(dseg_matrix x, dseg_window window, size_t pixel, size_t first, size_t count, float *to);

// ---- quantize.c -------------------------------------------------------------------------------------------------

/// y ← the im2col rows of y.rows output pixels from `first` on, quantized; buffer [threads, y.columns].
void dseg_quantize_windows(dseg_matrix x, dseg_window window, size_t first, dseg_fixed_inputs y, float *buffer);

// ---- gemm_blas.c ------------------------------------------------------------------------------------------------

/// Lets OpenBLAS compute on the thread that calls it: the pool cuts the work, by the operands' sizes alone, since the
/// last bits of a product depend on how it is cut.
void dseg_start_blas(void);

/// c [rows, columns] ← x [rows, inputs] w, plus c when `adding`; w is [inputs, columns], or [columns, inputs] when
/// `transposed`. The bits of a row depend on its place among the rows, and on how many there are.
typedef struct {
    size_t rows, columns, inputs;
    const float *x, *w;
    float *c;
    size_t x_stride, w_stride, c_stride;
    bool transposed, adding;
} dseg_product;

void dseg_gemm_f32(const dseg_product *product);

// ---- gemm_f32.c, gemm_int16.c -----------------------------------------------------------------------------------

size_t dseg_im2col_scratch(dseg_window window, size_t inputs, size_t outputs);
void dseg_im2col_convolution(dseg_matrix x, dseg_window window, dseg_weights w, const float *bias, dseg_matrix y,
                             bool adding, float *scratch);
size_t dseg_im2col_fixed_scratch(size_t rows, size_t inputs);
/// dseg_im2col_convolution with inputs and weights in fixed point.
void dseg_im2col_fixed_convolution(dseg_matrix x, dseg_window window, dseg_panels w, const float *bias, dseg_matrix y,
                                   bool adding, float *scratch);

// ---- winograd_f32.c, winograd_int16.c -----------------------------------------------------------------------------

/// `count` inputs of a panel of 3 x 3 kernels, from `input` on.
static inline dseg_kernels dseg_kernels_of(dseg_panels w, size_t panel, size_t input, size_t count) {
    size_t step = w.inputs / 9 * dseg_panel_width;
    return (dseg_kernels){w.base, w.number, panel * 9 * step + input * dseg_panel_width, step, count};
}

size_t dseg_winograd_scratch(dseg_window window, size_t inputs, size_t outputs);
void dseg_winograd_convolution(dseg_matrix x, const dseg_gains *gains, dseg_window window, dseg_weights w,
                               const float *bias, dseg_matrix y, bool adding, float *scratch);
size_t dseg_winograd_fixed_scratch(dseg_window window, size_t inputs);
/// dseg_winograd_convolution with transformed inputs and weights in fixed point.
void dseg_winograd_fixed_convolution(dseg_matrix x, const dseg_gains *gains, dseg_window window, dseg_panels w,
                                     const float *bias, dseg_matrix y, bool adding, float *scratch);

#endif
