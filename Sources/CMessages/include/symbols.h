#ifndef DSEG_SYMBOLS_H
#define DSEG_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The conversions between scores and the bytes that a ScoreMap compresses:
///
///   scores f32 [n]  ─ quantise ─►  symbols u16 [n]  ─ split ─►  planes u8 [bytes, n]
///
/// Symbols of one byte use one plane, the low one. Nothing here allocates; n is at least 1, and
/// sources and destinations do not overlap.

/// The least and the greatest score; false where one is infinite or not a number.
bool dseg_scores_range(const float *scores, size_t n, float *low, float *high);

/// The nearest IEEE halves, ties to even. Magnitudes must be below 65520, which rounds to infinity.
void dseg_quantise_half(const float *scores, size_t n, uint16_t *symbols);
void dseg_restore_half(const uint16_t *symbols, size_t n, float *scores);

/// The symbols in [0, levels] nearest to (score - offset) / scale; a scale of 0 makes all of them
/// 0. Decoding is offset + scale * symbol in f64, rounded once to f32: the product is exact in f64,
/// so that every machine decodes the same bits, with or without fused multiply-add.
void dseg_quantise_linear(const float *scores, size_t n, float offset, float scale, uint16_t levels, uint16_t *symbols);
void dseg_restore_linear(const uint16_t *symbols, size_t n, float offset, float scale, float *scores);

/// The largest |a - b|.
double dseg_largest_difference(const float *a, const float *b, size_t n);

/// Delta coding and byte planes: differences of neighbours, the first from 0, modulo 256^bytes; all
/// low bytes, then, where `bytes` is 2, all high bytes.
void dseg_split_planes(const uint16_t *symbols, size_t n, size_t bytes, uint8_t *planes);
void dseg_join_planes(const uint8_t *planes, size_t n, size_t bytes, uint16_t *symbols);

void dseg_widen(const uint8_t *indices, size_t n, uint16_t *symbols);
void dseg_narrow(const uint16_t *symbols, size_t n, uint8_t *indices);

/// Adds the number of pixels of each index to counts [256].
void dseg_count_indices(const uint8_t *indices, size_t n, uint64_t *counts);

#endif
