// The table of kernels that are compiled for each instruction set, and the set in use.
#ifndef DSEG_DISPATCH_H
#define DSEG_DISPATCH_H

#include "include/maps.h"

/// The epilogue of a product in fixed point: y [rows, columns] ← sums times row_scales [rows] times column_scales [16],
/// plus bias unless it is NULL, plus y when `adding`; columns <= 16.
typedef struct {
    size_t columns;
    const float *row_scales, *column_scales, *bias;
    float *y;
    size_t y_stride;
    bool adding;
} dseg_dequantized;

/// c [rows, 16] ← x [rows, pairs] panel [pairs, 16], plus c when `adding`: pairs of 16-bit integers, two neighbouring
/// inputs, the earlier one in the lower half. Or, where `dequantized` is given, the product goes there and not to c.
typedef struct {
    size_t rows, pairs;
    const int32_t *x, *panel;
    size_t x_stride;
    int32_t *c;
    bool adding, crossed;  // crossed: behind the pairs of each row, and of the panel, stands what cross_row and
                           // cross_panel write, and they may be multiplied crosswise
    const dseg_dequantized *dequantized;
} dseg_pair_product;

/// `count` inputs of a panel of 3 x 3 kernels as they are stored: the weights of a position and an input, for sixteen
/// outputs, begin at number `first` + position * `step` + input * 16.
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

/// sums [columns, 4, 4] ← sums + x x^T of the row that enters the boxes, in [columns, 4], less that of the row that
/// leaves. Then, unless it is NULL, inverse [columns / 4, 10, 4] ← the upper halves, of four columns beside each other,
/// of (box + n epsilon diag(0, 1, 1, 1))^-1, where box is the sum of sums over 2 radius + 1 columns and n its first
/// number; 0 from column `width` on. columns: `width`, rounded up to a multiple of 4. Beside sums there are zeros.
typedef struct {
    const double *in, *out;
    size_t width, radius;
    double *sums, epsilon;
    double *inverse;
} dseg_guide_row;

/// sums [columns, 4, 4 maps] ← sums + x p of the rows that enter the boxes, in [4] of [columns] in 0...1, less those
/// that leave, the guide's and the maps'; p is rounded to a multiple of 2^-24. Then, unless it is NULL,
/// fits [columns, 4, 4 maps] ← the guide's inverse times the sums' sums over boxes, in steps of 2^-20.
typedef struct {
    dseg_guide_row guide;
    const float *in[4], *out[4];
    double *sums;
    int32_t *fits;
} dseg_map_rows;

/// sums [columns, 4, 4 maps] ← sums + in - out; then, unless guide is NULL, [columns, 4], y [maps] of [width] ← guide
/// times the sums' sums over boxes, times rates [columns] and rate.
typedef struct {
    const int32_t *in, *out;
    size_t width, radius;
    double *sums;
    const double *guide, *rates;
    double rate;
    float *y[4];
    size_t maps;
} dseg_fit_rows;

/// Sixteen queries of a head beside a prompt's `count` keys, in fixed point, and which of these are a phrase's own.
typedef struct {
    const int16_t *queries, *keys;
    const float *query_scales, *key_scales;
    size_t count, pairs;
    const int32_t *positions;
    size_t position_count;
    float *scores;  // scratch [count, 16]
} dseg_keys_beside;

/// What a phrase has in a softmax beside sixteen queries: its top score, and the sums of 2^(score - top) over all of
/// its prompt's keys and over its own.
typedef struct {
    float top[16], total[16], chosen[16];
} dseg_score_sums;

/// Labels in one softmax: label k has the phrases from ends[k - 1], or 0, to ends[k]; sums of two phrases lie `step`
/// apart, their maps `stride`.
typedef struct {
    const dseg_phrase *phrases;
    const size_t *ends;
    size_t labels, step, stride;
    const dseg_score_sums *sums;
    float share, *maps;
} dseg_joined_labels;

/// Centres of clusters, [count, tokens]: numbers, and their logarithms.
typedef struct {
    const float *numbers, *logarithms;
    size_t count, tokens;
} dseg_centres;

/// How a query's scores become its links to keys: exp(scale * (score - top)) times `rate` is the probability, and that
/// times `gains` [keys] its share of the largest that the key has; below `threshold` it is 0.
typedef struct {
    float top, rate, scale, threshold;
    const float *gains;
    float *total;  // [16], to which the links are added
} dseg_cut;

/// What places two pixels of a picture near each other: three colours, a row and a column.
enum { dseg_place_numbers = 5 };

/// The kernels of one instruction set. Pointers need no alignment.
typedef struct {
    // rows-inl.h
    /// the largest x; -infinity if there is none
    float (*largest)(const float *x, size_t count);
    /// x ← exp(scale * (x - top)), whose sum is returned; none is larger than top
    float (*exponentials)(float *x, size_t count, float top, float scale);
    /// most ← max(most, a x), NaN where either is
    void (*maximize)(const float *x, float a, float *most, size_t count);
    /// x ← exp(scale * (x - top)) * rate * gains, or 0 below the threshold; none is larger than top
    void (*cut)(float *x, const dseg_cut *cut, size_t count);
    /// y ← y + a x
    void (*add_scaled)(const float *x, float a, float *y, size_t count);
    /// y ← a x + b y
    void (*blend)(const float *x, float a, float *y, float b, size_t count);
    /// x ← a x + b
    void (*affine)(float *x, float a, float b, size_t count);
    /// y ← ln x
    void (*logarithms)(const float *x, float *y, size_t count);
    /// y ← gain x + shift, then y * sigmoid(y) if `silu`; gain and shift for each column
    void (*normalize)(const float *x, const float *gain, const float *shift, float *y, size_t count, bool silu);
    /// y ← gamma (x - mean) / sqrt(variance + epsilon) + beta over the row
    void (*layer_norm)(const float *x, const float *gamma, const float *beta, float *y, size_t count, float epsilon);
    /// sum ← sum + (x - origin), squares ← squares + (x - origin)^2, for each column
    void (*accumulate)(const float *x, const float *origin, float *sum, float *squares, size_t count);
    /// x ← x * sigmoid(slope x)
    void (*sigmoid_gate)(float *x, float slope, size_t count);
    /// y ← h * gelu(g)
    void (*gelu_gate)(const float *h, const float *g, float *y, size_t count);
    void (*gelu)(float *x, size_t count);
    /// y [count] ← the values of halves
    void (*widen_f16)(const uint16_t *halves, float *y, size_t count);
    void (*widen_bf16)(const uint16_t *halves, float *y, size_t count);

    // quantize-inl.h
    /// y ← x, quantized, in pairs that lie `step` apart; returns the scale: x is about scale * y. Where x is zero or
    /// subnormal, the scale is 0, where it is not finite, NaN; y is then not written.
    float (*quantize)(const float *x, size_t count, int16_t *y, size_t step);
    /// y ← x >= 0, or their square roots, quantized; returns the scale: x is about scale * y, or (scale * y)^2. Where
    /// x is below 2^-110, the scale is 0, where it is not finite, NaN; y is then 0.
    float (*quantize_unsigned)(const float *x, size_t count, bool roots, uint16_t *y);
    /// squares [16] ← squares + the sums of squares of the columns of panel [count, 16]; largest [16] ← the largest
    /// magnitudes of largest and the columns
    void (*panel_norms)(const float *panel, size_t count, float *squares, float *largest);
    /// pairs [ceil(count / 2), 16] ← panel [count, 16] times factors [16], rounded
    void (*quantize_panel)(const float *panel, size_t count, const float *factors, int32_t *pairs);
    /// mean ← mean + rate * p, unless mean is NULL; the first half of p's memory ← p times factor as 16-bit integers
    void (*quantize_probabilities)(float *p, size_t count, float factor, float *mean, float rate);
    /// pairs[count] ← the sum of the products of a row's neighbouring pairs, the first with the second, and so on;
    /// pairs[count + 1] ← the largest magnitude of its 16-bit integers
    void (*cross_row)(int32_t *pairs, size_t count);
    /// the same of each output of a panel [count, 16], in two rows of sixteen behind it
    void (*cross_panel)(int32_t *pairs, size_t count);

    // gemm-inl.h
    void (*gemm_int16)(const dseg_pair_product *product);

    // winograd-inl.h
    /// v [36, count] ← the transform of the channels of 36 pixels, NULL in the padding; frequencies `stride` apart,
    /// each padded with zeros to a multiple of 16
    void (*winograd_inputs)(const float *const *pixels, size_t count, float *v, size_t stride);
    /// u [36, count, 16] ← the transform of kernels [outputs, count, 3, 3]; outputs <= 16 lie `step` apart, in u inputs
    /// `row` and frequencies `stride`
    void (*winograd_weights)(const float *kernels, size_t outputs, size_t step, size_t count, float *u, size_t row,
                             size_t stride);
    /// from the products of all frequencies, m [36, 16], frequencies `stride` apart
    void (*winograd_outputs)(const float *m, size_t stride, const dseg_outputs *outputs);
    /// v [pieces, 36, piece] ← the transform, quantized, frequencies `stride` numbers apart, pieces 36 times that; each
    /// is padded with zeros to a multiple of 16; scales [36]; scratch [36, count rounded up to a multiple of 16]
    void (*winograd_inputs_int16)(const float *const *pixels, size_t count, size_t piece, float *scratch, int16_t *v,
                                  size_t stride, float *scales);
    /// u [36, ceil(inputs / 2), 16] ← the transform of kernels times factors [36, 16] as pairs of 16-bit integers,
    /// frequencies `stride` apart
    void (*winograd_weights_int16)(const dseg_kernels *kernels, const float *factors, int32_t *u, size_t stride);
    /// squares [36, 16] ← squares + the sums of squares of the transformed kernels over their inputs;
    /// largest [36, 16] ← the largest magnitudes of largest and the transformed kernels
    void (*winograd_norms)(const dseg_kernels *kernels, float *squares, float *largest);
    /// from the products of all frequencies, m [36, 16], frequencies `stride` apart, times row_scales [36] times
    /// column_scales [36, 16]
    void (*winograd_outputs_int16)(const int32_t *m, size_t stride, const float *row_scales, const float *column_scales,
                                   const dseg_outputs *outputs);

    // scores-inl.h
    /// map ← map + share * (the sum over `positions` of softmax(q k^T)) for sixteen queries of a head
    void (*score)(const dseg_keys_beside *keys, float share, float *map);
    /// the same of every key, each its own map; maps lie `stride` apart
    void (*score_all)(const dseg_keys_beside *keys, float share, float *maps, size_t stride);
    void (*sum_scores)(const dseg_keys_beside *keys, dseg_score_sums *sums);
    /// maps[i] [16] ← maps[i] + share * (the mean over phrase i's positions of the softmax that all labels have)
    void (*join)(const dseg_joined_labels *labels);
    /// sums [rows, 16] ← sums + levels [rows, count], squared when they are `roots`, maps [count, 16]; rows of levels
    /// `stride` apart
    void (*complete)(const uint16_t *levels, bool roots, size_t stride, size_t rows, size_t count, const float *maps,
                     float *sums);
    /// the same of weights, of which whole blocks may be 0; maps are finite
    void (*multiply_maps)(const float *weights, size_t stride, size_t rows, size_t count, const float *maps,
                          float *sums);

    // clusters-inl.h
    /// cluster [16] ← of each of sixteen pixels [tokens, 2, 16], numbers and their logarithms, the first of the centres
    /// c that have the least sum over tokens of (c - x)(ln c - ln x)
    void (*nearest)(const dseg_centres *centres, const float *pixels, int32_t *cluster);

    // colour-inl.h
    /// x [count] ← x times 2^-|d|^2, over the sum; d [dseg_place_numbers] leads from column `place` of places to x's
    /// own, rows of places lie `stride` apart. Where the sum is 0, x[place] ← 1.
    void (*weigh)(float *x, const float *places, size_t stride, size_t place, size_t count);
    /// sums ← sums + x^exponent in steps of 2^-50, x in 0...1
    void (*add_powers)(const float *x, unsigned exponent, int64_t *sums, size_t count);
    /// x ← x * x^exponent / max(sums, 1e-9), both in steps of 2^-50
    void (*share)(float *x, unsigned exponent, const int64_t *sums, size_t count);

    // entropy-inl.h
    /// most ← max(most, x), for each column
    void (*largest_of_each)(const float *x, float *most, size_t count);
    /// x [count] ← max(0, a + rate (1 + ln a)), or 0 where a is, over the sum; a = x / most, most > 0 and [count
    /// rounded up to a multiple of 16]. Where the sum is 0, x[place] ← 1.
    void (*sharpen)(float *x, const float *most, float rate, size_t place, size_t count);

    // links-inl.h
    /// x ← x rates, over the sum; zeros where that is 0
    void (*balance)(float *x, const float *rates, size_t count);
    /// x ← max(0, x - least), over the sum; zeros where that is 0
    void (*exceed)(float *x, const float *least, size_t count);

    // paint-inl.h
    /// y[i] ← x, a line of `length` numbers, interpolated at weight[i] of the way from first[i] to the next
    void (*sample)(const float *x, size_t length, const uint32_t *first, const float *weight, float *y, size_t count);
    /// y ← x + weight (z - x), which is x where both are equal
    void (*lerp)(const float *x, const float *z, float weight, float *y, size_t count);
    /// least ← min(least, x), most ← max(most, x)
    void (*bounds)(const float *x, size_t count, float *least, float *most);
    /// y ← (x - least) / range; x and y may be the same
    void (*rescale)(const float *x, float least, float range, float *y, size_t count);
    /// where x > best: best ← x, index ← label
    void (*update_argmax)(const float *x, uint8_t label, float *best, uint8_t *index, size_t count);

    // guided-inl.h
    /// y [count, 4] ← (1, R, G, B) of 8-bit colours, which are multiples of 2^-8
    void (*guide_row)(const uint8_t *rgb, double *y, size_t count);
    /// what the rows' comments say
    void (*invert)(const dseg_guide_row *row);
    void (*fit)(const dseg_map_rows *rows);
    void (*predict)(const dseg_fit_rows *rows);
} dseg_target;

/// One of target_portable.c, target_avx2.c, target_avx512.c, target_avx512vnni.c.
extern const dseg_target dseg_target_portable, dseg_target_avx2, dseg_target_avx512, dseg_target_avx512vnni;

/// Whether products of pairs in fixed point are faster crosswise: where vpaddw has more units than vpdpwssd.
extern bool dseg_multiplies_crosswise;
/// The kernels in use.
extern const dseg_target *dseg_simd;

#endif
