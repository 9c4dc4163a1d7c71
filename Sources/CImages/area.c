#include "images.h"

#include <string.h>

/// A run of samples of a line: those of output `out` of `out_count`, on a line of `count`. Neighbours may share one.
typedef struct cell {
    size_t first, end;
} cell;

static cell cell_of(size_t out, size_t out_count, size_t count) {
    return (cell){out * count / out_count, ((out + 1) * count + out_count - 1) / out_count};
}

/// Writes the mean of `count` samples with the sum `sum` to out[i].
typedef void (*writer)(void *out, size_t i, uint64_t sum, uint64_t count);

static void write_float(void *out, size_t i, uint64_t sum, uint64_t count) {
    ((float *)out)[i] = (float)((double)sum / (255.0 * (double)count));
}

static void write_byte(void *out, size_t i, uint64_t sum, uint64_t count) {
    ((uint8_t *)out)[i] = (uint8_t)((2 * sum + count) / (2 * count));
}

/// Both averages; compiled once for each writer. A row of cells is added up downwards first: that loop is long, and
/// reads the samples where they lie side by side.
static inline __attribute__((always_inline)) void average(const uint8_t *pixels, size_t width, size_t height,
                                                          size_t out_width, size_t out_height, uint32_t *columns,
                                                          void *out, writer write) {
    for (size_t row = 0; row < out_height; row++) {
        cell y = cell_of(row, out_height, height);
        memset(columns, 0, 3 * width * sizeof *columns);
        for (size_t i = y.first; i < y.end; i++)
            for (size_t x = 0; x < 3 * width; x++) columns[x] += pixels[3 * width * i + x];
        for (size_t column = 0; column < out_width; column++) {
            cell x = cell_of(column, out_width, width);
            uint64_t count = (y.end - y.first) * (x.end - x.first), sums[3] = {0};
            for (size_t i = x.first; i < x.end; i++)
                for (size_t c = 0; c < 3; c++) sums[c] += columns[3 * i + c];
            for (size_t c = 0; c < 3; c++) write(out, 3 * (row * out_width + column) + c, sums[c], count);
        }
    }
}

void dseg_area(const uint8_t *rgb, size_t width, size_t height, size_t out_width, size_t out_height, uint32_t *columns,
               float *out) {
    average(rgb, width, height, out_width, out_height, columns, out, write_float);
}

void dseg_area_bytes(const uint8_t *rgb, size_t width, size_t height, size_t out_width, size_t out_height,
                     uint32_t *columns, uint8_t *out) {
    average(rgb, width, height, out_width, out_height, columns, out, write_byte);
}
