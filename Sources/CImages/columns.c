#include "regions.h"

size_t dseg_column_runs(const uint8_t *pixels, size_t width, size_t height, uint32_t *_Nullable runs) {
    size_t count = 0;
    uint8_t value = 0;
    uint32_t length = 0;
    for (size_t x = 0; x < width; x++) {
        for (size_t y = 0; y < height; y++) {
            uint8_t pixel = pixels[y * width + x];
            if (pixel != value) {
                if (runs != NULL) runs[count] = length;
                count++;
                length = 0;
                value = pixel;
            }
            length++;
        }
    }
    if (runs != NULL) runs[count] = length;
    return count + 1;
}

/// A side of the squares that are transposed at once, so that the lines of both matrices stay in the cache.
enum { SQUARE = 32 };

void dseg_transpose(const float *matrix, size_t rows, size_t columns, float *out) {
    for (size_t top = 0; top < rows; top += SQUARE) {
        size_t bottom = top + SQUARE < rows ? top + SQUARE : rows;
        for (size_t left = 0; left < columns; left += SQUARE) {
            size_t right = left + SQUARE < columns ? left + SQUARE : columns;
            for (size_t x = left; x < right; x++) {
                for (size_t y = top; y < bottom; y++) out[x * rows + y] = matrix[y * columns + x];
            }
        }
    }
}
