#include "symbols.h"

#include <math.h>
#include <string.h>

static uint32_t bits_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

bool dseg_scores_range(const float *scores, size_t n, float *low, float *high) {
    float least = scores[0], greatest = scores[0];
    bool finite = true;
    for (size_t i = 0; i < n; i++) {
        least = scores[i] < least ? scores[i] : least;
        greatest = scores[i] > greatest ? scores[i] : greatest;
        finite &= (bits_of(scores[i]) & 0x7f800000) != 0x7f800000;
    }
    *low = least;
    *high = greatest;
    return finite;
}

void dseg_quantise_half(const float *scores, size_t n, uint16_t *symbols) {
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = bits_of(scores[i]);
        uint32_t magnitude = bits & 0x7fffffff;
        /// Below 2^-14 the halves are multiples of 2^-24, which is the last bit of a float near
        /// 0.5: the addition rounds there. Above, half of the 13 dropped bits' range is added first.
        uint32_t small = bits_of(float_of(magnitude) + 0.5f) - 0x3f000000;
        uint32_t normal = (magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000) >> 13;
        symbols[i] = (uint16_t)((magnitude < 0x38800000 ? small : normal) | (bits >> 16 & 0x8000));
    }
}

void dseg_restore_half(const uint16_t *symbols, size_t n, float *scores) {
    for (size_t i = 0; i < n; i++) {
        uint32_t magnitude = symbols[i] & 0x7fff;
        uint32_t sign = (uint32_t)(symbols[i] & 0x8000) << 16;
        /// 2^112 moves the exponent from a half's bias to a float's, for small halves too.
        float finite = float_of(magnitude << 13) * 0x1p112f;
        uint32_t bits = magnitude < 0x7c00 ? bits_of(finite) : 0x7f800000 | magnitude << 13;
        scores[i] = float_of(bits | sign);
    }
}

void dseg_quantise_linear(const float *scores, size_t n, float offset, float scale, uint16_t levels,
                          uint16_t *symbols) {
    for (size_t i = 0; i < n; i++) {
        double steps = scale == 0 ? 0 : ((double)scores[i] - offset) / scale + 0.5;
        symbols[i] = (uint16_t)(steps < levels ? steps : levels);
    }
}

void dseg_restore_linear(const uint16_t *symbols, size_t n, float offset, float scale, float *scores) {
    for (size_t i = 0; i < n; i++) {
        scores[i] = (float)((double)offset + (double)scale * symbols[i]);
    }
}

double dseg_largest_difference(const float *a, const float *b, size_t n) {
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        double difference = fabs((double)a[i] - (double)b[i]);
        largest = difference > largest ? difference : largest;
    }
    return largest;
}

void dseg_split_planes(const uint16_t *symbols, size_t n, size_t bytes, uint8_t *planes) {
    for (size_t plane = 0; plane < bytes; plane++) {
        uint8_t *bytes_of_plane = planes + plane * n;
        bytes_of_plane[0] = (uint8_t)(symbols[0] >> 8 * plane);
        for (size_t i = 1; i < n; i++) {
            uint16_t difference = (uint16_t)(symbols[i] - symbols[i - 1]);
            bytes_of_plane[i] = (uint8_t)(difference >> 8 * plane);
        }
    }
}

void dseg_join_planes(const uint8_t *planes, size_t n, size_t bytes, uint16_t *symbols) {
    const uint8_t *high = planes + (bytes - 1) * n;
    const uint16_t mask = bytes == 1 ? 0xff : 0xffff;
    uint16_t symbol = 0;
    for (size_t i = 0; i < n; i++) {
        symbol = (uint16_t)(symbol + planes[i] + (high[i] << 8)) & mask;
        symbols[i] = symbol;
    }
}

void dseg_widen(const uint8_t *indices, size_t n, uint16_t *symbols) {
    for (size_t i = 0; i < n; i++) symbols[i] = indices[i];
}

void dseg_narrow(const uint16_t *symbols, size_t n, uint8_t *indices) {
    for (size_t i = 0; i < n; i++) indices[i] = (uint8_t)symbols[i];
}

void dseg_count_indices(const uint8_t *indices, size_t n, uint64_t *counts) {
    for (size_t i = 0; i < n; i++) counts[indices[i]]++;
}
