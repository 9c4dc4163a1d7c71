// What the checks of Tests/Targets share: numbers in frames, and the one comparison.
#ifndef TARGETS_H
#define TARGETS_H

#include "kernels.h"
#include "maps.h"
#include "weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double u = 0x1p-24;
static inline double larger(double a, double b) { return a > b ? a : b; }
/// The relative error of n roundings to f32, one after another.
double gamma_of(double roundings);
/// Room until the check or its case ends.
void *take(size_t bytes);
/// Ends a case of a check: its room is taken anew.
void end_case(void);
uint64_t draw_bits(void);
/// Evenly spread over [-1, 1).
float draw(void);
/// Compares a number with its value; NaN is out of every limit.
void hold(double number, double value, double limit);

/// `count` NaN that no kernel produces, and one more behind them.
float *marked(size_t count);
/// Whether the number behind `count` marked ones is untouched.
void hold_end(const float *x, size_t count);
/// A matrix inside a larger one of such NaN, no row aligned; drawn and scaled, or unwritten for a scale of 0.
dseg_matrix framed(size_t rows, size_t columns, float scale);
/// Whether all that is beside a framed matrix is untouched.
void hold_frame(dseg_matrix matrix);
double at(dseg_matrix matrix, size_t row, size_t column);
/// `count` drawn numbers, marked behind.
float *drawn(size_t count);

/// What a number is to be, and how far from it one that is computed in floats may lie.
typedef struct {
    double value, slack;
} bounded;
/// `count` zeros without slack.
bounded *nothing(size_t count);
/// Compares a framed matrix with what is expected, and its frame.
void hold_all(dseg_matrix y, const bounded *expected);

double stored_value(const void *base, dseg_number number, size_t i);
/// `count` drawn numbers as checkpoints store them.
void *stored(dseg_number number, size_t count);

/// Weights as checkpoints store them and in panels, and their values [outputs, positions * inputs], before they were
/// quantized.
typedef struct {
    dseg_weights stored;
    dseg_panels panels;
    double *values;
} learned;
learned learn(dseg_number number, size_t outputs, size_t inputs, size_t positions);
/// The same of 3 x 3 kernels, with scales for their transforms.
learned learn_kernels(dseg_number number, size_t outputs, size_t inputs);

// fixed.c
/// How coarse a quantized row is: its numbers are whole multiples of a unit, each off by at most 0.51 units: half a
/// unit of its own rounding, and a hundredth for the roundings of the length, the scale and the product with a number
/// of up to 32767 units.
typedef struct {
    double half_unit, magnitudes;
    size_t count;
} grains;
/// Units of a row, where none of its numbers has more than 32767, and of a tile's inputs at a frequency.
static const double long_row = 46000, short_row = 32700;
/// Of `count` numbers that lie `step` apart.
grains grains_of(const double *x, size_t count, size_t step, double length);
/// The largest error of a product of two quantized rows.
double miss_of(grains a, grains b);
/// Rows in fixed point, with marks behind them.
dseg_fixed_inputs fixed_inputs(dseg_matrix x);
int16_t fixed_input(dseg_fixed_inputs x, size_t row, size_t column);
int16_t fixed_weight(dseg_panels w, size_t output, size_t input);
void check_fixed_panels(void);
void check_fixed_inputs(void);
void check_fixed_kernels(void);
void check_nan_in_fixed(void);

// weights.c
void check_packing(void);
void check_digest(void);
// products.c
/// What is to come out of a product: each number's value, its terms' magnitudes, without bias and earlier y, and its
/// quantization error. Of a large product only every `step`-th output is held to them.
typedef struct {
    double *sums, *reach, *misses;
    double roundings;
    size_t step;
} expectation;
expectation expect(size_t count, double roundings);
/// What a product or a convolution is called with.
typedef struct {
    dseg_matrix x, y;
    dseg_fixed_inputs fixed;
    learned w;
    const dseg_gains *gains;
    dseg_window window;
    const float *bias;
    bool adding;
    float *scratch;
} operands;
/// Adding to what stands there or not, with a bias or without: `run` writes y.
void hold_products(operands p, size_t rows, expectation e, void (*run)(operands p));
void check_linear_f32(void);
void check_linear_f16(void);
void check_linear_bf16(void);
void check_linear_fixed(void);
// convolutions.c
void check_im2col(void);
void check_im2col_fixed(void);
void check_winograd(void);
void check_winograd_fixed(void);
void check_groups(void);
void check_gains(void);
// bits.c
void check_bits(void);
// attention.c
void check_attention(void);
void check_attention_fixed(void);
void check_nan_in_attention(void);
// rows.c
void check_group_norm(void);
void check_layer_norm(void);
void check_gates(void);
void check_gelu(void);
void check_logarithm(void);
void check_nan(void);
void check_lines(void);
void check_embed(void);
// scores.c
dseg_fixed queries_of(dseg_matrix x, size_t heads);
dseg_fixed keys_of(dseg_matrix x, size_t heads);
/// p [keys] <- a query's scores in a head, exact products of whole numbers times both scales; returns the top one. Each
/// is rounded as a float and multiplied by the product of the scales: three roundings.
double scores_of(dseg_fixed q, dseg_fixed k, size_t row, size_t head, bounded *p, double *top_slack);
void check_fixing(void);
void check_scores(void);
void check_whole_scores(void);
void check_phrases(void);
// joint.c
void check_joint_scores(void);
void check_labels(void);
// completion.c
void check_unsigned(void);
void check_unit_scales(void);
void check_complete(void);
// heads.c
void check_links(void);
void check_spoilt_links(void);
// paint.c
void check_enlarging(void);
void check_painting(void);
// colour.c
void check_weigh(void);
void check_share(void);
void check_sharpen(void);
// clusters.c
void check_clusters(void);
// guided.c
void check_guided(void);

#endif
