#include "images.h"

#include <string.h>

void dseg_tint(const uint8_t *rgb, const uint8_t *indices, size_t count, const uint8_t *palette, uint8_t *tinted) {
    for (size_t i = 0; i < count; i++) {
        const uint8_t *colour = palette + 3 * (size_t)indices[i];
        for (size_t c = 3 * i; c < 3 * i + 3; c++) {
            unsigned sum = rgb[c] + (unsigned)colour[c - 3 * i];
            tinted[c] = indices[i] == 0 ? rgb[c] : (uint8_t)((sum + 1) / 2);
        }
    }
}

void dseg_cut_out(const uint8_t *rgb, const uint8_t *alpha, const uint8_t *indices, size_t count, uint8_t index,
                  uint8_t *rgba) {
    for (size_t i = 0; i < count; i++) {
        // Pixels that are transparent in the picture belong to no label; they keep their colours.
        if (indices[i] == index || (alpha != NULL && alpha[i] == 0)) {
            memcpy(rgba + 4 * i, rgb + 3 * i, 3);
            rgba[4 * i + 3] = alpha == NULL ? 255 : alpha[i];
        } else {
            memset(rgba + 4 * i, 0, 4);
        }
    }
}

size_t dseg_transparent(const uint8_t *alpha, size_t count, uint8_t *bits) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (alpha[i] != 0) continue;
        bits[i / 8] |= (uint8_t)(1u << i % 8);
        found++;
    }
    return found;
}

void dseg_clear_where(const uint8_t *bits, size_t count, uint8_t *indices) {
    for (size_t i = 0; i < count; i++) {
        if (bits[i / 8] >> i % 8 & 1) indices[i] = 0;
    }
}

void dseg_range(const float *scores, size_t count, float *low, float *high) {
    *low = *high = scores[0];
    for (size_t i = 1; i < count; i++) {
        *low = scores[i] < *low ? scores[i] : *low;
        *high = scores[i] > *high ? scores[i] : *high;
    }
}

void dseg_grey(const float *scores, size_t count, uint8_t *grey) {
    float low, high;
    dseg_range(scores, count, &low, &high);
    float scale = high > low ? 255.0f / (high - low) : 0;
    for (size_t i = 0; i < count; i++) grey[i] = (uint8_t)((scores[i] - low) * scale + 0.5f);
}

void dseg_scale_scores(const float *scores, size_t count, float factor, float *scaled) {
    for (size_t i = 0; i < count; i++) scaled[i] = scores[i] * factor;
}

void dseg_unit_range(const float *scores, size_t count, float *scaled) {
    float low, high;
    dseg_range(scores, count, &low, &high);
    float range = high > low ? high - low : 1;
    for (size_t i = 0; i < count; i++) scaled[i] = (scores[i] - low) / range;
}
