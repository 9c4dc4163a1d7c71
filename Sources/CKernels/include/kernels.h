// Arithmetic on matrices: all C functions of the inference core but those on score maps (maps.h)
// and those for loading (weights.h).
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

// ---- memory_file.c: files in memory (memfd_create(2)) ------------------------------------------------------------

/// A file without bytes that can be sealed, closed when another program is started; -1 with errno where there is none.
int dseg_memory_file(const char *name);

/// Takes the memory of a file's bytes from an offset on, so that writing to them cannot fail; false where it is short.
bool dseg_commit_file(int file, size_t offset, size_t bytes);

/// Makes huge pages of whole ones that are mapped, as far as the system has them. Pages that a file does not have yet
/// are taken where it has at least one of those that become one huge page.
void dseg_collapse_pages(void *memory, size_t bytes);

/// Lets nobody change a file any more, nor its seals; false while it is mapped for writing.
bool dseg_seal_file(int file);

/// Whether a descriptor is a file's that is so sealed.
bool dseg_is_sealed(int file);

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
/// (((o / 16) * dseg_panel_rows(inputs) + k / 2) * 16 + o % 16) * 2 + k % 2; an odd number of inputs is padded with
/// zeros. The last two of a panel's rows help to multiply it crosswise (gemm-inl.h).
/// Kernels of a Winograd convolution are stored floats, at ((o / 16) * inputs + k) * 16 + o % 16, and quantized once
/// transformed: scales [panels, 36, 16], of the transformed kernels.
typedef struct {
    const void *base;
    dseg_number number;
    size_t outputs, inputs;
    const float *scales;
} dseg_panels;

/// Rows of sixteen pairs that a panel in fixed point takes: ceil(inputs / 2) + 2.
size_t dseg_panel_rows(size_t inputs);
/// pairs [count, dseg_panel_rows(inputs), 16], scales [count, 16] ← panels [count, inputs, 16], quantized.
void dseg_quantize_panels(const void *panels, dseg_number number, size_t count, size_t inputs, int32_t *pairs,
                          float *scales);
/// scales [count, 36, 16] ← the scales of panels of 3 x 3 kernels, [count, 9 * inputs, 16], quantized after Winograd's
/// transform: a transformed weight is about its integer times its scale.
void dseg_compute_kernel_scales(const void *panels, dseg_number number, size_t count, size_t inputs, float *scales);

/// Pairs from one row of inputs in fixed point to the next: ceil(columns / 2) of the row, two numbers that help to
/// multiply it crosswise, and as many more as make whole cache lines: no multiple of eight, lest rows alias in the
/// cache.
size_t dseg_fixed_stride(size_t columns);
/// Rows of inputs in fixed point: values [rows, dseg_fixed_stride(columns)] in pairs, scales [rows].
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
/// y ← the first rows of the table, or y ← y + them when `adding`
void dseg_read(dseg_table table, dseg_matrix y, bool adding);
/// y ← table[tokens] + positions; table [vocabulary, C], positions [count, C], y [count, C]
void dseg_embed(const int32_t *tokens, dseg_table table, dseg_table positions, dseg_matrix y);
/// The sinusoidal embedding of a timestep as diffusers has it: `count` values, half sines, half cosines.
void dseg_timestep_embedding(float timestep, bool cosines_first, float frequency_shift, float *y, size_t count);

// ---- bicubic.c -------------------------------------------------------------------------------------------------

/// y ← the feature map x resampled by bicubic interpolation, as torch.nn.functional.interpolate(x, size,
/// mode="bicubic") does: the centre of output i is at (i + 1/2) length / count - 1/2, the kernel Keys' with a = -3/4,
/// without antialiasing; at the edges numbers are repeated. With `linear`, as its mode "bilinear" does.
/// x [height*width, C] of at least one pixel, y [out_height*out_width, C] distinct from x
void dseg_resample(dseg_matrix x, size_t height, size_t width, dseg_matrix y, size_t out_height, size_t out_width,
                   bool linear);

// ---- maps.c ----------------------------------------------------------------------------------------------------

/// The largest number; -infinity of none.
float dseg_largest(const float *map, size_t count);
/// The first place where the largest number stands, or NaN; 0 of none.
size_t dseg_place_of_largest(const float *x, size_t count);
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

// ---- embeddings.c ----------------------------------------------------------------------------------------------

/// x ← x / |x| for each row; a row of zeros stays.
void dseg_unit_rows(dseg_matrix x);
/// products [K, N] ← y x^T; the bits of a row depend on x and its own row of y alone. x [N, C], y [K, C]
void dseg_dot_products(dseg_matrix x, dseg_matrix y, dseg_matrix products);
/// peaks [K] ← for each column the largest mean over a place and its neighbours, up to 3 x 3 places, those outside the
/// grid left out; -infinity without places. x [height*width, K]; a column's bits do not depend on the others
void dseg_peaks(dseg_matrix x, size_t height, size_t width, float *peaks);

// ---- noise.c ---------------------------------------------------------------------------------------------------

/// Standard normal numbers as torch.randn draws them on the CPU with `torch.Generator().manual_seed(seed)`: MT19937,
/// 24-bit uniforms, Box-Muller in blocks of 16. `count` is at least 16.
void dseg_noise(uint32_t seed, float *y, size_t count);

#pragma clang assume_nonnull end
#endif
