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

/// Reorders a convolution's weights in place from [outputs, inputs, positions], as checkpoints
/// store them, to [outputs, positions, inputs], as channels-last im2col multiplies them.
///
/// weights    [outputs * inputs * positions]; positions is kernel height times kernel width
/// scratch    [inputs * positions]            distinct from weights
void dseg_pack_convolution(float *restrict weights, float *restrict scratch, size_t outputs,
                           size_t inputs, size_t positions);

/// Whether this processor runs dseg_sha256_extensions.
bool dseg_sha256_has_extensions(void);

/// Folds count blocks of 64 bytes into the SHA-256 state [8] (FIPS 180-4, 6.2.2).
void dseg_sha256_portable(uint32_t *restrict state, const uint8_t *restrict blocks, size_t count);

/// The same by the processor's SHA instructions; only where dseg_sha256_has_extensions says so.
void dseg_sha256_extensions(uint32_t *restrict state, const uint8_t *restrict blocks, size_t count);

#pragma clang assume_nonnull end

#endif
