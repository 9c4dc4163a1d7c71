// Kernels for loading weights: widening (convert.c), packing (pack.c), SHA-256 (sha256.c).
#ifndef DSEG_WEIGHTS_H
#define DSEG_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// floats[i] ← the value of the IEEE 754 binary16 number halves[i]; exact, NaN payloads are kept.
///
/// halves  [count], floats  [count]   distinct
void dseg_widen_f16(const uint16_t *restrict halves, float *restrict floats, size_t count);

/// floats[i] ← the value of the bfloat16 number halves[i]: the upper half of a float; exact.
///
/// halves  [count], floats  [count]   distinct
void dseg_widen_bf16(const uint16_t *restrict halves, float *restrict floats, size_t count);

/// Packs rows of a weight matrix, as checkpoints store them, into panels of 16 outputs, as products read them: element
/// (output o, input i, position p) comes to place ((o / 16) * positions * inputs + p * inputs + i) * 16 + o % 16.
/// The last panel is padded with zeros. A part of a matrix that begins with a panel can be packed by itself.
///
/// stored  [outputs, inputs, positions] elements of 2 or 4 bytes; positions is 1 for a plain matrix
/// panels  [ceil(outputs / 16), positions * inputs, 16] elements   distinct from stored
/// Neither needs alignment.
void dseg_pack_panels(const void *restrict stored, size_t element_bytes, size_t outputs, size_t inputs,
                      size_t positions, void *restrict panels);

/// Whether this processor runs dseg_sha256_extensions.
bool dseg_sha256_has_extensions(void);

/// Applies the compression function of SHA-256 to state [8] for each of `count` blocks of 64 bytes (FIPS 180-4, 6.2.2).
void dseg_sha256_portable(uint32_t *restrict state, const uint8_t *restrict blocks, size_t count);

/// The same by the processor's SHA instructions; only where dseg_sha256_has_extensions says so.
void dseg_sha256_extensions(uint32_t *restrict state, const uint8_t *restrict blocks, size_t count);

#pragma clang assume_nonnull end

#endif
