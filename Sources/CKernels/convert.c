// Half precision to f32, exactly.
#include "weights.h"

#include <string.h>

static inline float float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t bits_of_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

// A binary16 exponent is biased by 15, a binary32 exponent by 127. A subnormal half m is 2^-14 * m / 1024: set m under
// the exponent of 2^-14 and subtract 2^-14. No operand is a subnormal float, each of which would cost a microcode
// assist; weights are full of subnormal halves.
void dseg_widen_f16(const uint16_t *restrict halves, float *restrict floats, size_t count) {
    const uint32_t least_normal = (uint32_t)113 << 23;
    for (size_t i = 0; i < count; i++) {
        uint32_t half = halves[i];
        uint32_t sign = (half & 0x8000u) << 16;
        uint32_t magnitude = (half & 0x7fffu) << 13;
        uint32_t normal = magnitude + ((uint32_t)112 << 23);
        uint32_t special = magnitude + ((uint32_t)224 << 23);
        uint32_t subnormal = bits_of_float(float_of_bits(magnitude + least_normal) - float_of_bits(least_normal));
        uint32_t widened = (half & 0x7c00u) == 0x7c00u ? special : normal;
        widened = (half & 0x7c00u) == 0 ? subnormal : widened;
        floats[i] = float_of_bits(sign | widened);
    }
}

void dseg_widen_bf16(const uint16_t *restrict halves, float *restrict floats, size_t count) {
    for (size_t i = 0; i < count; i++) {
        floats[i] = float_of_bits((uint32_t)halves[i] << 16);
    }
}
