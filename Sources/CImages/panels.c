#include "figures.h"

#include <string.h>

static size_t end(size_t start, size_t count, size_t limit) { return start + count < limit ? start + count : limit; }

void dseg_fill(dseg_place place, const uint8_t *colour, uint8_t *page, size_t width, size_t height) {
    for (size_t y = place.top; y < end(place.top, place.height, height); y++) {
        for (size_t x = place.left; x < end(place.left, place.width, width); x++) {
            memcpy(page + 3 * (y * width + x), colour, 3);
        }
    }
}

void dseg_put(const uint8_t *rgb, size_t columns, size_t rows, dseg_place place, uint8_t *page, size_t width,
              size_t height) {
    for (size_t y = place.top; y < end(place.top, place.height, height); y++) {
        const uint8_t *row = rgb + 3 * columns * ((2 * (y - place.top) + 1) * rows / (2 * place.height));
        for (size_t x = place.left; x < end(place.left, place.width, width); x++) {
            size_t column = (2 * (x - place.left) + 1) * columns / (2 * place.width);
            memcpy(page + 3 * (y * width + x), row + 3 * column, 3);
        }
    }
}

void dseg_colour(const uint8_t *indices, size_t count, const uint8_t *palette, uint8_t *rgb) {
    for (size_t i = 0; i < count; i++) memcpy(rgb + 3 * i, palette + 3 * (size_t)indices[i], 3);
}
