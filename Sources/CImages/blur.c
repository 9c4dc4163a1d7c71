#include "regions.h"

static size_t clamped(ptrdiff_t y, size_t height) {
    if (y < 0) return 0;
    return (size_t)y < height ? (size_t)y : height - 1;
}

/// Filters one row along the columns: 0...2^15.
///
/// line  [width]
static void filter_columns(const uint8_t *pixels, size_t width, size_t height, size_t y, dseg_filter filter,
                           uint16_t *line) {
    const uint8_t *row = pixels + y * width;
    for (size_t x = 0; x < width; x++) line[x] = (uint16_t)(row[x] * filter.weights[0]);
    for (size_t k = 1; k <= filter.radius; k++) {
        const uint8_t *above = pixels + clamped((ptrdiff_t)y - (ptrdiff_t)k, height) * width;
        const uint8_t *below = pixels + clamped((ptrdiff_t)(y + k), height) * width;
        uint16_t weight = filter.weights[k];
        for (size_t x = 0; x < width; x++) {
            line[x] = (uint16_t)(line[x] + (uint16_t)(above[x] + below[x]) * weight);
        }
    }
}

/// Filters a line: 0...2^30.
///
/// line  [width]  with `radius` more on both sides
/// sums  [width]
static void filter_line(const uint16_t *line, size_t width, dseg_filter filter, uint32_t *sums) {
    for (size_t x = 0; x < width; x++) sums[x] = (uint32_t)line[x] * filter.weights[0];
    for (size_t k = 1; k <= filter.radius; k++) {
        const uint16_t *left = line - k, *right = line + k;
        uint16_t weight = filter.weights[k];
        for (size_t x = 0; x < width; x++) sums[x] += (uint32_t)left[x] * weight + (uint32_t)right[x] * weight;
    }
}

void dseg_blur(const uint8_t *pixels, size_t width, size_t height, dseg_filter filter,
               const uint8_t *_Nullable excluded, uint32_t *sums, uint16_t *line, uint8_t *out) {
    uint16_t *middle = line + filter.radius;
    for (size_t y = 0; y < height; y++) {
        filter_columns(pixels, width, height, y, filter, middle);
        for (size_t k = 0; k < filter.radius; k++) {
            line[k] = middle[0];
            middle[width + k] = middle[width - 1];
        }
        filter_line(middle, width, filter, sums);
        uint8_t *row = out + y * width;
        // The 24 bits times 255 fit 32.
        for (size_t x = 0; x < width; x++) row[x] = (uint8_t)(((sums[x] >> 6) * 255 + (1 << 23)) >> 24);
        if (excluded == NULL) continue;
        for (size_t x = 0; x < width; x++) row[x] = excluded[y * width + x] ? 0 : row[x];
    }
}
