#include "images.h"

#include <string.h>

void dseg_split_alpha(const uint8_t *rgba, size_t count, uint8_t *rgb, uint8_t *alpha) {
    for (size_t i = 0; i < count; i++) {
        memcpy(rgb + 3 * i, rgba + 4 * i, 3);
        alpha[i] = rgba[4 * i + 3];
    }
}

/// a b / 255, rounded.
static uint8_t product(unsigned a, unsigned b) {
    unsigned sum = a * b + 128;
    return (uint8_t)((sum + (sum >> 8)) >> 8);
}

void dseg_cmyk_to_rgb(const uint8_t *cmyk, size_t count, uint8_t *rgb) {
    for (size_t i = 0; i < count; i++) {
        unsigned light = cmyk[4 * i + 3];
        for (size_t c = 0; c < 3; c++) {
            rgb[3 * i + c] = (uint8_t)(light - product(255u - cmyk[4 * i + c], light));
        }
    }
}

void dseg_over_white(const uint8_t *rgb, const uint8_t *alpha, size_t count, uint8_t *seen) {
    for (size_t i = 0; i < count; i++) {
        for (size_t c = 3 * i; c < 3 * i + 3; c++) {
            seen[c] = (uint8_t)(product(rgb[c], alpha[i]) + 255 - alpha[i]);
        }
    }
}

void dseg_look_up(const uint8_t *rgb, size_t count, const float *table, float *out) {
    for (size_t i = 0; i < 3 * count; i += 3) {
        for (size_t c = 0; c < 3; c++) out[i + c] = table[256 * c + rgb[i + c]];
    }
}

void dseg_turn_upright(const uint8_t *stored, size_t width, size_t height, size_t channels, int orientation,
                       uint8_t *upright) {
    // Writes `upright` row by row, and walks over `stored` with strides: an offset of the first pixel,
    // and what to add for each step to the right and for each step down.
    ptrdiff_t right = (ptrdiff_t)channels, down = (ptrdiff_t)(width * channels);
    ptrdiff_t last_column = right * (ptrdiff_t)(width - 1);
    ptrdiff_t last_row = down * (ptrdiff_t)(height - 1);
    int from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    int from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    int transposed = orientation >= 5;
    ptrdiff_t start = (from_right ? last_column : 0) + (from_bottom ? last_row : 0);
    ptrdiff_t across = from_right ? -right : right, along = from_bottom ? -down : down;
    ptrdiff_t step_x = transposed ? along : across, step_y = transposed ? across : along;
    size_t columns = transposed ? height : width, rows = transposed ? width : height;
    for (size_t y = 0; y < rows; y++) {
        const uint8_t *from = stored + start + step_y * (ptrdiff_t)y;
        for (size_t x = 0; x < columns; x++) {
            memcpy(upright, from + step_x * (ptrdiff_t)x, channels);
            upright += channels;
        }
    }
}
