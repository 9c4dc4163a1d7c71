// What the kernels share among themselves.
#ifndef DSEG_INTERNAL_H
#define DSEG_INTERNAL_H

#include "include/kernels.h"

/// The loops over one row that are compiled for each instruction set (rows.h). Pointers need no alignment.
typedef struct {
    /// the largest x; -infinity if there is none
    float (*largest)(const float *x, size_t count);
    /// x <- exp(scale * (x - top)), whose sum is returned; none is larger than top
    float (*exponentials)(float *x, size_t count, float top, float scale);
    /// y <- y + a x
    void (*add_scaled)(const float *x, float a, float *y, size_t count);
    /// y <- a x + b y
    void (*blend)(const float *x, float a, float *y, float b, size_t count);
    /// x <- a x + b
    void (*affine)(float *x, float a, float b, size_t count);
    /// y <- gain x + shift, then y * sigmoid(y) if `silu`; gain and shift for each column
    void (*normalize)(const float *x, const float *gain, const float *shift, float *y, size_t count, bool silu);
    /// y <- gamma (x - mean) / sqrt(variance + epsilon) + beta over the row
    void (*layer_norm)(const float *x, const float *gamma, const float *beta, float *y, size_t count, float epsilon);
    /// sum <- sum + (x - origin), squares <- squares + (x - origin)^2, for each column
    void (*accumulate)(const float *x, const float *origin, float *sum, float *squares, size_t count);
    /// x <- x * sigmoid(slope x)
    void (*sigmoid_gate)(float *x, float slope, size_t count);
    /// y <- h * gelu(g)
    void (*gelu_gate)(const float *h, const float *g, float *y, size_t count);
    void (*gelu)(float *x, size_t count);

    // score_rows.h
    /// x = y times the returned scale, as nearly as 16 bits can, in pairs that lie `step` apart. Where x is zero or not
    /// finite the scale is 0 or NaN, and y is left alone.
    float (*fix)(const float *x, size_t count, int16_t *y, size_t step);
    /// x = y times the returned scale, as nearly as 16 bits can; x is not negative, and not finite is NaN times 0
    float (*level)(const float *x, size_t count, uint16_t *y);
    /// y <- x
    void (*widen_levels)(const uint16_t *x, float *y, size_t count);
    /// map <- map + share * (the sum over `positions` of softmax(q k^T)) for sixteen queries of a head
    void (*score)(const int16_t *queries, const float *query_scales, const int16_t *keys, const float *key_scales,
                  size_t count, size_t pairs, const int32_t *positions, size_t position_count, float share,
                  float *scores, float *map);

    // paint_rows.h
    /// y[i] <- x, a line of `length` numbers, sampled at first[i], and weight[i] of the way to the next
    void (*sample)(const float *x, size_t length, const uint32_t *first, const float *weight, float *y, size_t count);
    /// y <- x + weight (z - x): x itself where both are equal
    void (*between)(const float *x, const float *z, float weight, float *y, size_t count);
    /// The smaller of `least` and all x, and the larger of `most` and all x.
    void (*bounds)(const float *x, size_t count, float *least, float *most);
    /// y <- (x - least) / range; x and y may be the same
    void (*stretch)(const float *x, float least, float range, float *y, size_t count);
    /// Where x > best: best <- x and index <- label.
    void (*claim)(const float *x, uint8_t label, float *best, uint8_t *index, size_t count);
} dseg_row_kernels;

extern const dseg_row_kernels *dseg_rows;

/// c [rows, 16] <- x [rows, inputs] panel [inputs, 16], plus bias [16] unless it is NULL, plus c when `adding`.
typedef struct {
    size_t rows, inputs;
    const float *x, *panel, *bias;
    size_t x_stride;
    float *c;
    size_t c_stride;
    bool adding;
} dseg_product;

/// Where sums of products in fixed point go: y [rows, columns] <- sums times the scales of their row and column, plus
/// bias unless it is NULL, plus y when `adding`; up to sixteen columns, the scales of sixteen.
typedef struct {
    size_t columns;
    const float *row_scales, *column_scales, *bias;
    float *y;
    size_t y_stride;
    bool adding;
} dseg_release;

/// c [rows, 16] <- x [rows, pairs] panel [pairs, 16], plus c when `adding`: pairs of 16-bit integers, two neighbouring
/// inputs, the earlier one in the lower half. Or the product is released and not stored.
typedef struct {
    size_t rows, pairs;
    const int32_t *x, *panel;
    size_t x_stride;
    int32_t *c;
    bool adding;
    const dseg_release *release;
} dseg_pair_product;

/// `count` inputs of a panel of 3 x 3 kernels as they are stored: number `first` + position * `step` + input * 16
/// begins sixteen outputs.
typedef struct {
    const void *base;
    dseg_number number;
    size_t first, step, count;
} dseg_kernels;

/// Where a tile's 4 x 4 outputs of sixteen channels go: pixels of y lie `step` floats apart, its rows `row_step`. Plus
/// bias [16] unless it is NULL, plus y when `adding`.
typedef struct {
    const float *bias;
    float *y;
    size_t step, row_step;
    bool adding;
} dseg_outputs;

/// What is done sixteen outputs at a time, compiled for each instruction set (tiles.h).
typedef struct {
    void (*product)(const dseg_product *product);
    void (*winograd_inputs)(const float *const *pixels, size_t channel, size_t count, float *t, size_t stride);
    void (*winograd_weights)(const dseg_kernels *kernels, float *u, size_t stride);
    /// from the products of all frequencies, m [36, 16], frequencies `stride` apart
    void (*winograd_outputs)(const float *m, size_t stride, const dseg_outputs *outputs);
    /// y [count] <- the values of halves
    void (*widen_f16)(const uint16_t *halves, float *y, size_t count);
    void (*widen_bf16)(const uint16_t *halves, float *y, size_t count);
} dseg_tile_kernels;

extern const dseg_tile_kernels *dseg_tiles;

/// Products of 16-bit integers, compiled for each instruction set (pairs.h).
typedef struct {
    void (*product)(const dseg_pair_product *product);
    void (*winograd_inputs)(const float *const *pixels, size_t count, size_t piece, float *scratch, int16_t *v,
                            size_t stride, float *scales);
    void (*winograd_weights)(const dseg_kernels *kernels, const float *factors, int32_t *u, size_t stride);
    void (*winograd_norms)(const dseg_kernels *kernels, float *squares, float *largest);
    /// from the products of all frequencies, m [36, 16], frequencies `stride` apart, times row_scales [36] times
    /// column_scales [36, 16]
    void (*winograd_outputs)(const int32_t *m, size_t stride, const float *row_scales, const float *column_scales,
                             const dseg_outputs *outputs);
    /// squares [16] <- squares + those of `count` inputs of sixteen outputs; largest [16] <- the largest magnitude
    void (*norms)(const float *panel, size_t count, float *squares, float *largest);
    /// pairs [ceil(count / 2), 16] <- panel [count, 16] times factors [16], rounded
    void (*pair)(const float *panel, size_t count, const float *factors, int32_t *pairs);
    /// mean <- mean + rate * p, unless it is NULL; p <- p times factor as integers, in the front half of its memory
    void (*fix_probabilities)(float *p, size_t count, float factor, float *mean, float rate);
} dseg_pair_kernels;

extern const dseg_pair_kernels *dseg_pairs;

/// `count` stored numbers from the `first` on as f32: where they lie, or widened in `buffer`.
const float *dseg_widened(const void *base, dseg_number number, size_t first, size_t count, float *buffer);
/// `count` inputs of a panel from `input` on, [count, 16].
const float *dseg_widened_panel(dseg_panels w, size_t panel, size_t input, size_t count, float *buffer);
/// The product with c's first `columns` columns alone, up to 16.
void dseg_multiply_panel(const dseg_product *product, size_t columns);

/// The length to which rows of fixed point are scaled: a product of two such rows is below 2^31.
#define DSEG_FIXED_LENGTH 46000.0f

/// `count` inputs of a panel of 3 x 3 kernels, from `input` on.
static inline dseg_kernels dseg_kernels_of(dseg_panels w, size_t panel, size_t input, size_t count) {
    size_t step = w.inputs / 9 * dseg_panel_width;
    return (dseg_kernels){w.base, w.number, panel * 9 * step + input * dseg_panel_width, step, count};
}
/// Copies what lies under a window's kernel at an output pixel side by side: of [kernel * kernel * inputs] the part
/// that begins with `first`.
void dseg_gather(dseg_matrix x, dseg_window window, size_t pixel, size_t first, size_t count, float *to);
size_t dseg_gathering_scratch(void);
void dseg_gathered_convolution(dseg_matrix x, dseg_window window, dseg_panels w, const float *bias, dseg_matrix y,
                               bool adding, float *scratch);
/// The same with x and w in fixed point.
void dseg_gathered_fixed_convolution(dseg_matrix x, dseg_window window, dseg_panels w, const float *bias, dseg_matrix y,
                                     bool adding, float *scratch);
size_t dseg_gathered_fixed_scratch(size_t rows, size_t inputs);
size_t dseg_winograd_scratch(dseg_window window, size_t inputs);
void dseg_winograd_convolution(dseg_matrix x, const dseg_gains *gains, dseg_window window, dseg_panels w,
                               const float *bias, dseg_matrix y, bool adding, float *scratch);

static inline float *dseg_row(dseg_matrix m, size_t row) { return m.base + row * m.stride; }
static inline size_t dseg_least(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t dseg_parts(size_t count, size_t size) { return (count + size - 1) / size; }

/// Rows of a task: they fill half of a second-level cache, and every panel is read once for all.
enum { dseg_task_rows = 240 };

/// A product's outputs, cut into tasks: some rows by some panels each.
typedef struct {
    size_t rows, columns;
    size_t panels;                        // of a task
    size_t column_tasks, tasks;
} dseg_cut;

static inline dseg_cut dseg_cut_of(size_t rows, size_t columns) {
    if (rows == 0 || columns == 0) return (dseg_cut){.column_tasks = 1};
    size_t panels = dseg_parts(columns, dseg_panel_width), row_tasks = dseg_parts(rows, dseg_task_rows);
    size_t part = dseg_parts(panels, dseg_least(panels, dseg_parts(48, row_tasks)));    // 48 tasks, if there are
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

#endif
