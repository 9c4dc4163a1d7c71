// What the kernels share among themselves.
#ifndef DSEG_INTERNAL_H
#define DSEG_INTERNAL_H

#include "include/kernels.h"

/// OpenBLAS computes on the thread that calls it: tasks of the pool call it side by side.
void dseg_single_threaded_blas(void);

/// c [m, n] <- a [m, k] b^T (b is [n, k]), plus c when `adding`; ld* are strides.
/// gemm.c is the only file that knows BLAS.
void dseg_product_transposed(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
                             float *c, size_t ldc, bool adding);
/// c [m, n] <- a [m, k] b (b is [k, n])
void dseg_product(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
                  float *c, size_t ldc);

/// The loops over one row that are compiled for each instruction set (rows.h). Pointers need no alignment.
typedef struct {
    /// y <- exp(scale * x - max) / sum
    void (*softmax)(float *x, size_t count, float scale);
    /// y <- y + a x
    void (*add_scaled)(const float *x, float a, float *y, size_t count);
    /// y <- a x + b y
    void (*blend)(const float *x, float a, float *y, float b, size_t count);
    /// x <- a x + b
    void (*affine)(float *x, float a, float b, size_t count);
    /// sum of x * y
    float (*dot)(const float *x, const float *y, size_t count);
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
    /// sums <- sums + rows maps; six rows of `count`, maps [count, 16], sums [6, 16]
    void (*weigh)(const float *const *rows, const float *maps, size_t count, float *sums);

    // paint_rows.h
    /// y[i] <- x, a line of `length` numbers, sampled at first[i], and weight[i] of the way to the next
    void (*sample)(const float *x, size_t length, const uint32_t *first, const float *weight, float *y, size_t count);
    /// y <- a x + b z
    void (*between)(const float *x, float a, const float *z, float b, float *y, size_t count);
    /// The smaller of `least` and all x, and the larger of `most` and all x.
    void (*bounds)(const float *x, size_t count, float *least, float *most);
    /// y <- (x - least) / range; x and y may be the same
    void (*stretch)(const float *x, float least, float range, float *y, size_t count);
    /// Where x > best: best <- x and index <- label.
    void (*claim)(const float *x, uint8_t label, float *best, uint8_t *index, size_t count);
} dseg_row_kernels;

extern const dseg_row_kernels *dseg_rows;

static inline float *dseg_row(dseg_matrix m, size_t row) { return m.base + row * m.stride; }
static inline size_t dseg_least(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t dseg_parts(size_t count, size_t size) { return (count + size - 1) / size; }

#endif
