// Arithmetic on matrices: all C functions of the inference core but those for loading (weights.h).
//
// A matrix has rows (positions: pixels or tokens) and columns (channels), row-major, `stride` floats from one row to
// the next. A feature map of height H and width W is the matrix [H*W, C]: channels last. Kernels allocate nothing and
// print nothing; what they need beside their operands comes in as `scratch`. Large loops are cut into tasks whose
// borders depend on the operands' sizes alone, or whose sums are exact, so that the bits of an answer do not depend on
// the number of threads.
#ifndef DSEG_KERNELS_H
#define DSEG_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

typedef struct {
    float *base;
    size_t rows, columns, stride;
} dseg_matrix;

// ---- dispatch.c: instruction sets -------------------------------------------------------------------------------

/// The instruction sets that kernels are compiled for.
typedef enum { dseg_portable = 0, dseg_avx2 = 1, dseg_avx512 = 2, dseg_avx512vnni = 3 } dseg_instruction_set;

/// The set in use: portable before `dseg_start`.
dseg_instruction_set dseg_chosen_target(void);
/// Uses another set; false if this processor lacks it. For tests and measurements, never while a kernel runs.
bool dseg_choose_target(dseg_instruction_set set);
/// Whether the set in use multiplies pairs of 16-bit integers (vpmaddwd, vpdpwssd): then fixed point beats f32.
bool dseg_multiplies_pairs(void);

// ---- threads.c: the thread pool -------------------------------------------------------------------------------

/// Starts a pool of `threads` threads, the caller among them (0: one for each processor that this process may use), and
/// chooses the widest set that this processor has. Only the first call starts threads.
void dseg_start(int32_t threads);
/// How many threads compute: 1 before `dseg_start`.
size_t dseg_threads(void);

typedef void (*dseg_task)(void *context, size_t task, size_t thread);
/// Runs `task` for 0 ..< tasks on all threads and returns when all are done. `thread` < dseg_threads() numbers the
/// threads, for scratch of their own. If the pool is busy for another caller, the tasks run on the calling thread.
void dseg_parallel(size_t tasks, dseg_task task, void *context);

// ---- heap.c: the allocator of the C library --------------------------------------------------------------------

/// From the call on, blocks of half a MiB or more are mapped one by one, and unmapped as soon as they are freed.
void dseg_return_large_blocks(void);
/// Gives free pages back to the system.
void dseg_trim_heap(void);

// ---- gemm_blas.c: OpenBLAS ---------------------------------------------------------------------------------------

/// How OpenBLAS was built: its name, its version, and what else it says of itself, between spaces.
const char *dseg_blas_build(void);
/// The processor core whose kernels OpenBLAS chose: "Zen" or "ARMV8", for example.
const char *dseg_blas_core(void);

/// Maps the buffers of so many products at once, which OpenBLAS keeps. It maps them when they are first needed
/// otherwise, and where it cannot, it tries again for ever.
void dseg_reserve_blas(size_t calls);

// ---- quantize.c: weights, and fixed point --------------------------------------------------------------------------

/// How weights are stored: as IEEE 754 binary32 or binary16, as bfloat16, or quantized to 16-bit integers, whose
/// products quantize the inputs too.
typedef enum { dseg_f32 = 0, dseg_f16 = 1, dseg_bf16 = 2, dseg_fixed16 = 3 } dseg_number;

/// Learned weights [outputs, inputs] for products in f32: row-major, as checkpoints store them, f32, f16 or bf16. Those
/// of a convolution are [outputs, channels, kernel, kernel].
typedef struct {
    const void *base;
    dseg_number number;
    size_t outputs, inputs;
} dseg_weights;

enum { dseg_panel_width = 16, dseg_frequencies = 36 };
/// Learned weights [outputs, inputs] in fixed point: in panels of sixteen outputs, the last padded with zeros. The
/// weight of output o and input k is a 16-bit integer times scales[o], and stands in pairs: at
/// (((o / 16) * ceil(inputs / 2) + k / 2) * 16 + o % 16) * 2 + k % 2; an odd number of inputs is padded with zeros.
/// Kernels of a Winograd convolution are stored floats, at ((o / 16) * inputs + k) * 16 + o % 16, and quantized once
/// transformed: scales [panels, 36, 16], of the transformed kernels.
typedef struct {
    const void *base;
    dseg_number number;
    size_t outputs, inputs;
    const float *scales;
} dseg_panels;

/// pairs [count, ceil(inputs / 2), 16], scales [count, 16] ← panels [count, inputs, 16], quantized.
void dseg_quantize_panels(const void *panels, dseg_number number, size_t count, size_t inputs, int32_t *pairs,
                          float *scales);
/// scales [count, 36, 16] ← the scales of panels of 3 x 3 kernels, [count, 9 * inputs, 16], quantized after Winograd's
/// transform: a transformed weight is about its integer times its scale.
void dseg_compute_kernel_scales(const void *panels, dseg_number number, size_t count, size_t inputs, float *scales);

/// Rows of inputs in fixed point: values [rows, ceil(columns / 2)] in pairs, scales [rows].
typedef struct {
    int32_t *values;
    float *scales;
    size_t rows, columns;
} dseg_fixed_inputs;

/// y ← x [N, C], quantized. The scale of a row gives it a Euclidean length of 46000 at most: by Cauchy-Schwarz no
/// product of two rows overflows 32 bits.
void dseg_quantize_inputs(dseg_matrix x, dseg_fixed_inputs y);

// ---- gemm_f32.c, gemm_int16.c: products -------------------------------------------------------------------------

/// Floats of scratch that dseg_linear needs.
size_t dseg_linear_scratch(size_t rows, size_t inputs, size_t outputs);
/// y ← x w^T + bias, or y ← y + x w^T + bias when `adding`.
/// x [rows, inputs], w [outputs, inputs], bias [outputs] or NULL, y [rows, outputs] distinct from x
void dseg_linear(dseg_matrix x, dseg_weights w, const float *_Nullable bias, dseg_matrix y, bool adding,
                 float *scratch);
/// dseg_linear with inputs and weights in fixed point.
void dseg_fixed_linear(dseg_fixed_inputs x, dseg_panels w, const float *_Nullable bias, dseg_matrix y, bool adding);
/// y ← h * gelu(g), where [h, g] = x w^T + bias is never stored. w.outputs is twice y's columns, a multiple of 32.
void dseg_fixed_gated_linear(dseg_fixed_inputs x, dseg_panels w, const float *bias, dseg_matrix y);

// ---- convolution.c ----------------------------------------------------------------------------------------------

/// A square convolution over a feature map, channels last.
typedef struct {
    size_t height, width;          // of the input map
    size_t out_height, out_width;  // of the output map
    size_t kernel, stride;
    size_t before;  // zero padding above and on the left; below and on the right: as needed
    bool doubled;   // nearest-neighbour upsampling of the input by 2 in both directions
} dseg_window;

/// A group norm as a gain and a shift for each channel.
typedef struct {
    const float *gain, *shift;
} dseg_gains;

/// Whether a convolution runs Winograd's algorithm: only then it can be fused with a group norm, and in fixed point its
/// weights are floats with scales.
bool dseg_is_for_winograd(size_t kernel, size_t stride, size_t inputs, size_t outputs);
/// Floats of scratch that dseg_convolution needs.
size_t dseg_convolution_scratch(dseg_window window, size_t inputs, size_t outputs);
/// y ← conv(x) + bias, or y ← y + conv(x) + bias when `adding`; with `gains`, of silu(gain x + shift) in place of x.
/// x [height*width, inputs], w [outputs, inputs*kernel*kernel], y [out_height*out_width, outputs]
/// distinct from x
void dseg_convolution(dseg_matrix x, const dseg_gains *_Nullable gains, dseg_window window, dseg_weights w,
                      const float *_Nullable bias, dseg_matrix y, bool adding, float *scratch);
/// Floats of scratch that dseg_fixed_convolution needs.
size_t dseg_fixed_convolution_scratch(dseg_window window, size_t inputs, size_t outputs);
/// dseg_convolution in fixed point; w [outputs, kernel*kernel*inputs].
void dseg_fixed_convolution(dseg_matrix x, const dseg_gains *_Nullable gains, dseg_window window, dseg_panels w,
                            const float *_Nullable bias, dseg_matrix y, bool adding, float *scratch);

// ---- attention.c -----------------------------------------------------------------------------------------------

/// Floats of scratch that the functions of this section need for k [keys, columns].
size_t dseg_attention_scratch(size_t keys, size_t columns, size_t heads);
/// y ← for each head softmax(q k^T / sqrt(d)) v, heads side by side in the columns.
/// q [N, C], k and v [L, C], y [N, C] distinct from all; causal: query i sees keys 0...i only.
/// If `mean` is given, [N, L], the probabilities of each head, times its share of shares [heads], are added to it;
/// those of a head whose share is 0 are not.
/// If `fixed` and not causal, queries, keys, values, and the probabilities that multiply values, are quantized.
void dseg_attention(dseg_matrix q, dseg_matrix k, dseg_matrix v, size_t heads, bool causal, dseg_matrix y,
                    const dseg_matrix *_Nullable mean, const float *_Nullable shares, bool fixed, float *scratch);
/// mean ← mean + the sum over heads of shares[head] * softmax(q k^T / sqrt(d)), without an output: a head whose share
/// is 0 is not computed.
void dseg_attention_mean(dseg_matrix q, dseg_matrix k, size_t heads, dseg_matrix mean, const float *shares, bool fixed,
                         float *scratch);

// ---- norm.c ----------------------------------------------------------------------------------------------------

/// gain, shift [columns] ← groupnorm(x; gamma, beta) as gain x + shift.
void dseg_group_gains(dseg_matrix x, const float *gamma, const float *beta, size_t groups, float epsilon, float *gain,
                      float *shift, float *scratch);
/// Floats of scratch that the group norms need.
size_t dseg_group_norm_scratch(size_t rows, size_t columns);
/// y ← groupnorm(x; gamma, beta); x and y may be the same; columns is a multiple of groups.
void dseg_group_norm(dseg_matrix x, dseg_matrix y, const float *gamma, const float *beta, size_t groups, float epsilon,
                     float *scratch);
/// y ← n * sigmoid(n), where n = groupnorm(x; gamma, beta).
void dseg_group_norm_silu(dseg_matrix x, dseg_matrix y, const float *gamma, const float *beta, size_t groups,
                          float epsilon, float *scratch);
/// y ← layernorm(x; gamma, beta) over each row; x and y may be the same.
void dseg_layer_norm(dseg_matrix x, dseg_matrix y, const float *gamma, const float *beta, float epsilon);

// ---- pointwise.c -----------------------------------------------------------------------------------------------

/// x ← x * sigmoid(x)
void dseg_silu(dseg_matrix x);
/// x ← x * sigmoid(1.702 x), CLIP's activation
void dseg_quick_gelu(dseg_matrix x);
/// x ← x * (1 + erf(x / sqrt 2)) / 2
void dseg_gelu(dseg_matrix x);
/// y ← h * gelu(g), where x = [h, g]; x [rows, 2 C], y [rows, C]
void dseg_gated_gelu(dseg_matrix x, dseg_matrix y);
/// y ← x; nothing where both are the same
void dseg_copy(dseg_matrix x, dseg_matrix y);
/// x ← 0
void dseg_clear(dseg_matrix x);
/// y ← a x + b y
void dseg_blend(dseg_matrix x, float a, dseg_matrix y, float b);
/// y[i][j] ← y[i][j] + r[i] x[i][j] c[j]; r [rows], c [columns]
void dseg_add_weighted(dseg_matrix x, const float *r, const float *c, dseg_matrix y);
/// x ← a x + b
void dseg_affine(dseg_matrix x, float a, float b);
/// y ← ln x for x >= 0, relative error below 2e-7; below -86 for 0 and subnormal numbers. x and y may be the same.
void dseg_logarithm(dseg_matrix x, dseg_matrix y);
/// y ← x y
void dseg_multiply(dseg_matrix x, dseg_matrix y);
/// x ← exp(clamp(x, -30, 20) / 2): from log variance to standard deviation
void dseg_deviation(dseg_matrix x);
/// A row-major table of stored numbers.
typedef struct {
    const void *base;
    dseg_number number;
    size_t columns;
} dseg_table;
/// y ← table[tokens] + positions; table [vocabulary, C], positions [count, C], y [count, C]
void dseg_embed(const int32_t *tokens, dseg_table table, dseg_table positions, dseg_matrix y);
/// The sinusoidal embedding of a timestep as diffusers has it: `count` values, half sines, half cosines.
void dseg_timestep_embedding(float timestep, bool cosines_first, float frequency_shift, float *y, size_t count);

// ---- maps.c ----------------------------------------------------------------------------------------------------

/// map ← (map - min) / (max - min); a constant map becomes zeros.
void dseg_min_max(float *map, size_t count);
/// maps[k] ← maps[k] / (the sum of maps[k]), or where `shifted` of maps[k] - min; a map whose sum is 0 becomes zeros.
/// Sums are doubles, in the order of places. maps [K, N] >= 0 unless shifted
void dseg_normalize_sums(dseg_matrix maps, bool shifted);
/// The number of indices in 0 ..< count at which x and y differ.
size_t dseg_differing(const uint8_t *x, const uint8_t *y, size_t count);
/// y[i][c] ← x[c][i]: planes to channels-last; x [C, N] packed, y [N, C]
void dseg_interleave(const float *x, dseg_matrix y);
/// y[c][i] ← x[i][c]: channels-last to planes; x [N, C], y [C, N] packed
void dseg_separate(dseg_matrix x, float *y);
/// difference ← the largest |x - y|, infinite where x or y has a NaN; magnitude ← the largest |y|.
void dseg_distance(const float *x, const float *y, size_t count, float *difference, float *magnitude);

// ---- scores.c --------------------------------------------------------------------------------------------------

/// Queries or keys, quantized: 16-bit integers in pairs, and a scale for each head of each row. The caller zeroes it
/// first: what pads the rows of queries (`dseg_fixed_rows`) and an odd width is not written.
typedef struct {
    int16_t *values;
    float *scales;              // heads * rows
    size_t rows, heads, width;  // width of a head
} dseg_fixed;

/// The rows that queries are padded to: the next multiple of 16.
size_t dseg_fixed_rows(size_t rows);
/// How many 16-bit integers `values` holds.
size_t dseg_fixed_numbers(size_t rows, size_t heads, size_t width);
/// y [panels, heads, pairs, 16 queries, 2] ← q log2(e) / sqrt(width), so that softmax is computed by powers of two.
/// q [N, C], y.rows = dseg_fixed_rows(N)
void dseg_quantize_queries(dseg_matrix q, dseg_fixed y);
/// y ← k, [heads, L, pairs, 2]; k [L, C], y.rows = L
void dseg_quantize_keys(dseg_matrix k, dseg_fixed y);

/// A phrase to score: the keys of its prompt, and the positions of its tokens among them.
typedef struct {
    dseg_fixed keys;
    const int32_t *positions;
    size_t position_count;
} dseg_phrase;

/// Floats of scratch that dseg_score needs for prompts of up to `keys` keys.
size_t dseg_score_scratch(size_t keys);
/// maps[i] ← maps[i] + share * (the mean over heads and phrase i's positions of softmax(q k^T / sqrt(width))).
/// maps [count, q.rows]; a phrase's bits do not depend on the others
void dseg_score(dseg_fixed q, const dseg_phrase *phrases, size_t count, float share, float *maps, float *scratch);

/// Floats of scratch that dseg_score_jointly needs for `count` phrases whose prompts have up to `keys` keys.
size_t dseg_score_jointly_scratch(size_t keys, size_t count);
/// dseg_score, but for labels that compete: label k has the phrases from ends[k - 1], or 0, to ends[k], and a position
/// of phrase i has the probability e / (sum of e over phrase i's keys + sum over the other labels of w), where e is
/// exp(q k^T / sqrt(width)), and w of a label is the sum of e over a phrase's positions, averaged over its phrases.
/// A label alone has dseg_score's bits. All w are added as whole multiples of 2^-48 of the largest e, so in any order
/// to the same bits; all phrases together have at most 2^14 positions. labels >= 1
void dseg_score_jointly(dseg_fixed q, const dseg_phrase *phrases, const size_t *ends, size_t labels, float share,
                        float *maps, float *scratch);

/// maps ← maps + the sum over heads of shares[head] * softmax(q k^T / sqrt(width)): a map for every key; a head whose
/// share is 0 is not computed. shares [heads], maps [keys.rows, q.rows], scratch as for dseg_score
void dseg_score_tokens(dseg_fixed q, dseg_fixed keys, const float *shares, float *maps, float *scratch);

/// y [N, M], scales [N] ← x [N, M] >= 0, quantized row by row: x[i][j] is about scales[i] * y[i][j], or with `roots`
/// its square. Square roots (companding) keep small numbers beside large ones.
void dseg_quantize_unsigned(dseg_matrix x, bool roots, uint16_t *y, float *scales);
/// scales [N] ← those with which the rows of s [N, M] add up to one, but for their own rounding: sums are exact. The
/// scale of a row without levels stays.
void dseg_unit_scales(const uint16_t *s, size_t rows, size_t columns, bool roots, float *scales);
/// Floats of scratch that dseg_complete needs.
size_t dseg_complete_scratch(size_t pixels);
/// y[k][i] ← sum over j of scales[i] * s[i][j] * maps[k][j], or with `roots` of (scales[i] * s[i][j])^2 * maps[k][j]:
/// completion by an affinity.
/// s [pixels, pixels], scales [pixels], maps and y [count, pixels]; a map's bits do not depend on the others
void dseg_complete(const uint16_t *s, bool roots, const float *scales, size_t pixels, const float *maps, size_t count,
                   float *y, float *scratch);

// ---- clusters.c: clusters of pixels ---------------------------------------------------------------------------------

/// Doubles of scratch that dseg_cluster needs.
size_t dseg_cluster_scratch(size_t pixels, size_t tokens, size_t centres);
/// clusters [N] ← the cluster of each pixel after `rounds` >= 1 of k-means from `count` pixels on, starts [count].
/// Returns how many clusters there are: empty ones vanish, the others keep their order.
/// maps [T, N] >= 0. A pixel takes the first of the nearest centres c: the distance is half the sum over tokens of
/// (c - x)(ln c - ln x), where 1e-6 stands for zeros of x, and 1e-5 is added to c and x. Centres are means of x.
size_t dseg_cluster(dseg_matrix maps, const int32_t *starts, size_t count, size_t rounds, int32_t *clusters,
                    double *scratch);
/// Doubles of scratch that dseg_average needs.
size_t dseg_average_scratch(size_t clusters);
/// maps [T, N] ← at each pixel the mean over its cluster, clusters [N] < count.
void dseg_average(dseg_matrix maps, const int32_t *clusters, size_t count, double *scratch);

// ---- heads.c: single heads of self-attention as affinities ---------------------------------------------------------

/// The heads of a layer of self-attention over N pixels, of which no probabilities are stored: operands and, for each
/// head, what normalises. A head's link from pixel i to pixel j is p[i][j] / (the largest of p[..][j] + 1e-5), where
/// p = softmax(q k^T / sqrt(width)); one below a threshold is cut to 0.
typedef struct {
    size_t pixels, heads, width;  // width of a head
    /// f32 [N, heads * width], packed; or, where there are scales, 16-bit integers: queries as dseg_quantize_keys lays
    /// them out and keys as dseg_quantize_queries does, for here keys stand in panels.
    const void *queries, *keys;
    const float *_Nullable query_scales, *_Nullable key_scales;
    float *tops, *rates, *gains;  // [heads, N]: of queries the top score and 1 / (sum of exponentials); of keys
                                  // 1 / (largest probability + 1e-5)
} dseg_heads;

/// Floats of scratch that the functions of this section need for maps of up to `groups` times sixteen labels.
size_t dseg_heads_scratch(size_t pixels, size_t groups);
/// Computes tops, rates and gains.
void dseg_measure_heads(dseg_heads heads, float *scratch);
/// y[i] ← share * (sum over j of l[i][j] x[j]) / (sum over j of l[i][j] + 1e-5), plus y[i] when `adding`, where l are a
/// head's links, those below `threshold` cut; a row of nothing but these gives 0.
/// x and y [groups, N, 16], distinct, x finite; a lane's bits depend neither on the others nor on how many there are
void dseg_apply_head(dseg_heads heads, size_t head, float threshold, const float *x, size_t groups, float share,
                     bool adding, float *y, float *scratch);
/// y [N] ← the weights of dseg_apply_head in one row, l[row] / (its sum + 1e-5).
void dseg_head_row(dseg_heads heads, size_t head, float threshold, size_t row, float *y, float *scratch);

// ---- colour.c: affinities and maps of a picture ---------------------------------------------------------------------

/// Floats of scratch that dseg_weigh needs.
size_t dseg_weigh_scratch(size_t pixels);
/// s[i][j] ← s[i][j] b[i][j] / (sum over j of s[i][j] b[i][j]), where b is the bilateral filter's kernel,
/// exp(-|I_i - I_j|^2 / (2 colour^2) - |p_i - p_j|^2 / (2 position^2)) of colours I and of places p = (row / height,
/// column / width). A row that adds up to 0 becomes the identity's.
/// s [N, N] >= 0, colours [N, 3], N = height*width
void dseg_weigh(dseg_matrix s, const float *colours, size_t height, size_t width, float colour, float position,
                float *scratch);
/// maps[k] ← maps[k] * maps[k]^exponent / max(sum over k of maps[k]^exponent, 1e-9), at each pixel.
/// maps [K, N] in 0...1, K <= 4096. Powers are added as whole multiples of 2^-50, so in any order to the same bits.
void dseg_share(dseg_matrix maps, unsigned exponent);

// ---- entropy.c -------------------------------------------------------------------------------------------------

/// Floats of scratch that dseg_sharpen needs.
size_t dseg_sharpen_scratch(size_t pixels);
/// s[i][j] ← e[i][j] / (the sum over j of e[i][j]), where e = max(0, a + entropy (1 + ln a) / ln 10), 0 where a is, and
/// a[i][j] = s[i][j] / (the largest s of column j), or 0 in a column of zeros. A row that adds up to 0 becomes the
/// identity's.
/// s [N, N] >= 0, entropy >= 0
void dseg_sharpen(dseg_matrix s, float entropy, float *scratch);

// ---- paint.c ---------------------------------------------------------------------------------------------------

/// Linear interpolation in a line of `length` numbers: output i of `count` lies weight[i] of the way from number
/// first[i] to the next one.
typedef struct {
    const uint32_t *first;
    const float *weight;
    size_t count, length;
} dseg_line;

/// Floats of scratch that dseg_paint needs for `count` maps, and dseg_enlarge for one.
size_t dseg_paint_scratch(dseg_line columns, dseg_line rows, size_t count);
/// Argmax: interpolates each map and rescales it to 0...1; where it exceeds `best`: best ← map k, index ← label + k.
/// maps [count, rows.length, columns.length]; best and index [rows.count, columns.count]
void dseg_paint(const float *maps, size_t count, dseg_line columns, dseg_line rows, uint8_t label, float *best,
                uint8_t *index, float *scratch);
/// y ← the map, interpolated and rescaled to 0...1; y [rows.count, columns.count]
void dseg_enlarge(const float *map, dseg_line columns, dseg_line rows, float *y, float *scratch);

// ---- guided.c --------------------------------------------------------------------------------------------------

/// Doubles of scratch that dseg_guided needs: for each thread and up to eight maps at work a ring of coefficients, some
/// 64 (2 radius + 10) bytes a column and four maps.
size_t dseg_guided_scratch(dseg_line columns, dseg_line rows, size_t count, size_t radius);
/// y[k] ← map k, interpolated and filtered by the colour guided filter (He, Sun, Tang 2013): means over the part of a
/// box of 2 radius + 1 pixels a side that is inside the picture, colours / 255, their covariance plus epsilon.
/// maps [count > 0, rows.length, columns.length] in 0...1, guide [rows.count, columns.count, 3], y[k] [rows.count,
/// columns.count]; radius in 1...724, epsilon >= 1e-6. A map's bits depend neither on the others nor on the threads.
void dseg_guided(const float *maps, size_t count, dseg_line columns, dseg_line rows, const uint8_t *guide,
                 size_t radius, float epsilon, float *_Nonnull const *_Nonnull y, double *scratch);

// ---- noise.c ---------------------------------------------------------------------------------------------------

/// Standard normal numbers as torch.randn draws them on the CPU with `torch.Generator().manual_seed(seed)`: MT19937,
/// 24-bit uniforms, Box-Muller in blocks of 16. `count` is at least 16.
void dseg_noise(uint32_t seed, float *y, size_t count);

#pragma clang assume_nonnull end
#endif
