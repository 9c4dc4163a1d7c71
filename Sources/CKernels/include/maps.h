// Score maps and the affinities that complete them: what is made of attention, up to the mask. Conventions are those of
// kernels.h.
#ifndef DSEG_MAPS_H
#define DSEG_MAPS_H

#include "kernels.h"

#pragma clang assume_nonnull begin

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

// ---- links.c: attention of several layers as links, and scores of texts ---------------------------------------------

/// Floats of scratch that dseg_balance and dseg_link need.
size_t dseg_links_scratch(size_t pixels);
/// A round of Sinkhorn's: each column of w over its sum, then each row over its own; a row that adds up to 0, and
/// a column that adds up to less than 2^-126, become zeros.
/// w [N, N] >= 0
void dseg_balance(dseg_matrix w, float *scratch);
/// y ← l over the sums of its rows, where l = max(0, m - the means of m's columns) and m = (w + w^T) / 2; a row that
/// adds up to 0 becomes zeros. w [N, N] >= 0, y [N, N] distinct from w
void dseg_link(dseg_matrix w, dseg_matrix y, float *scratch);
/// y ← a b. a [N, M], b [M, C], y [N, C] distinct from both
void dseg_multiply_matrices(dseg_matrix a, dseg_matrix b, dseg_matrix y);
/// x ← softmax(scale * x) over each row. x [N, K > 0], scale > 0
void dseg_softmax(dseg_matrix x, float scale);
/// map ← 0 where it is below `share` of its largest number. map [count], share >= 0
void dseg_cut_below(float *map, size_t count, float share);

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
/// How an enlarged map k is rescaled: to (x - min) / (max - min + epsilon), or with `tops` to
/// tops[k] (x - m) / (max - m + epsilon), where m is min if that is negative, else 0.
typedef struct {
    const float *_Nullable tops;
    float epsilon;
} dseg_scale;

/// Argmax: interpolates each map and rescales it; where it exceeds `best`: best ← map k, index ← label + k.
/// maps [count, rows.length, columns.length], tops [count]; best and index [rows.count, columns.count]
void dseg_paint(const float *maps, size_t count, dseg_scale scale, dseg_line columns, dseg_line rows, uint8_t label,
                float *best, uint8_t *index, float *scratch);
/// y ← the map, interpolated and rescaled; y [rows.count, columns.count]
void dseg_enlarge(const float *map, dseg_scale scale, dseg_line columns, dseg_line rows, float *y, float *scratch);

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

#pragma clang assume_nonnull end
#endif
