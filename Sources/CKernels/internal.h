// What the kernels share among themselves.
#ifndef DSEG_INTERNAL_H
#define DSEG_INTERNAL_H

#include "include/kernels.h"

/// The loops over one row that are compiled for each instruction set (rows.h). Pointers need no alignment.
typedef struct {
    /// x <- exp(scale * (x - max x)), whose sum is returned
    float (*exponentials)(float *x, size_t count, float scale);
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

/// c [rows, 16] <- c + x [rows, 2 pairs] panel [2 pairs, 16] of bfloat16 numbers, added up in f32. A pair is two
/// neighbouring inputs, the earlier one in the lower half: x [rows, pairs], panel [pairs, 16].
typedef struct {
    size_t rows, pairs;
    const uint32_t *x, *panel;
    size_t x_stride;
    float *c;
    size_t c_stride;
} dseg_pair_product;

/// What is done sixteen outputs at a time, compiled for each instruction set (tiles.h).
typedef struct {
    void (*product)(const dseg_product *product);
    void (*winograd_inputs)(const float *const *pixels, size_t channel, size_t count, float *t, size_t stride);
    void (*winograd_weights)(const float *panel, size_t step, size_t count, float *u, size_t stride);
    void (*winograd_outputs)(const float *m, size_t stride, const float *bias, float *y, size_t step, size_t row_step,
                             bool adding);
    /// y [count] <- the values of halves
    void (*widen_f16)(const uint16_t *halves, float *y, size_t count);
    void (*widen_bf16)(const uint16_t *halves, float *y, size_t count);
} dseg_tile_kernels;

extern const dseg_tile_kernels *dseg_tiles;

/// Products of bfloat16 numbers, compiled for each instruction set (pairs.h).
typedef struct {
    void (*product)(const dseg_pair_product *product);
    /// halves [count] <- x rounded to bfloat16
    void (*narrow)(const float *x, uint16_t *halves, size_t count);
} dseg_pair_kernels;

extern const dseg_pair_kernels *dseg_pairs;

/// `count` stored numbers from the `first` on as f32: where they lie, or widened in `buffer`.
const float *dseg_widened(const void *base, dseg_number number, size_t first, size_t count, float *buffer);
/// `count` inputs of a panel from `input` on, [count, 16].
const float *dseg_widened_panel(dseg_panels w, size_t panel, size_t input, size_t count, float *buffer);
/// The product with c's first `columns` columns alone, up to 16.
void dseg_multiply_panel(const dseg_product *product, size_t columns);

size_t dseg_gathering_scratch(void);
void dseg_gathered_convolution(dseg_matrix x, dseg_window window, dseg_panels w, const float *bias, dseg_matrix y,
                               bool adding, float *scratch);
size_t dseg_winograd_scratch(dseg_window window, size_t inputs);
void dseg_winograd_convolution(dseg_matrix x, dseg_window window, dseg_panels w, const float *bias, dseg_matrix y,
                               bool adding, float *scratch);

static inline float *dseg_row(dseg_matrix m, size_t row) { return m.base + row * m.stride; }
static inline size_t dseg_least(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t dseg_parts(size_t count, size_t size) { return (count + size - 1) / size; }

#endif
