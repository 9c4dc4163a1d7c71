// Self-attention quantized to unsigned 16-bit integers, and completion by it, against their definitions.
#include "targets.h"

#include <string.h>

enum { untouched = 0x7abc };

/// Each number is restored within half a step and four roundings of scale and product. The largest number has 65535
/// steps; a row of zeros has only zeros and the scale 0, a row with an infinity or NaN only zeros and the scale NaN.
/// Of square roots each is within half a step.
static void hold_integers(dseg_matrix x, bool roots, const uint16_t *integers, const float *scales) {
    for (size_t row = 0; row < x.rows; row++) {
        double most = 0, sum = 0;
        for (size_t c = 0; c < x.columns; c++) {
            most = larger(most, at(x, row, c));
            sum += at(x, row, c);
        }
        bool is_dark = most == 0 || !isfinite(sum);
        if (is_dark) hold(isnan(scales[row]) ? 1 : scales[row], isfinite(sum) ? 0 : 1, 0);
        for (size_t c = 0; c < x.columns; c++) {
            double integer = integers[row * x.columns + c], value = at(x, row, c);
            double number = integer * scales[row], step = 0.501 / 65535;
            double share = roots ? step * (2 * sqrt(value / most) + step) : step;
            if (is_dark) hold(integer, 0, 0);
            else hold(roots ? number * number : number, value, most * (share + gamma_of(6)));
            if (!is_dark && (value == most || value == 0)) hold(integer, value == 0 ? 0 : 65535, 0);
        }
    }
}

/// Columns around a vector, rows around a strip of 48; numbers of every size.
void check_unsigned(void) {
    static const size_t shapes[][2] = {{1, 1},   {3, 2},  {47, 7}, {48, 15}, {49, 16},
                                       {97, 17}, {3, 31}, {3, 33}, {5, 65},  {4, 257}};
    static const float magnitudes[] = {1e-30f, 0.01f, 1.0f, 1e30f};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t m = 0; m < 8; m++) {
            size_t rows = shapes[s][0], columns = shapes[s][1];
            bool roots = m >= 4;
            dseg_matrix x = framed(rows, columns, magnitudes[m % 4]);
            for (size_t i = 0; i < rows * columns; i++) {
                float *number = x.base + i / columns * x.stride + i % columns;
                bool middle = i % columns == columns / 2;
                *number = i / columns == 1 || i % 7 == 5 ? 0 : fabsf(*number);
                if (i / columns == 2 && middle) *number = m % 2 ? NAN : INFINITY;
            }
            uint16_t *integers = take((rows * columns + 1) * sizeof *integers);
            float *scales = marked(rows);
            integers[rows * columns] = untouched;
            dseg_quantize_unsigned(x, roots, integers, scales);
            hold_integers(x, roots, integers, scales);
            hold(integers[rows * columns], untouched, 0);
            hold_end(scales, rows);
            hold_frame(x);
        }
}

/// Sums of levels, or of their squares, are exact; the scale is rounded, and of roots its square has that error twice.
void check_unit_scales(void) {
    static const size_t shapes[][2] = {{1, 1}, {47, 15}, {48, 16}, {49, 17}, {97, 33}, {3, 4096}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int roots = 0; roots < 2; roots++) {
            size_t rows = shapes[s][0], columns = shapes[s][1];
            uint16_t *levels = take(rows * columns * sizeof *levels);
            float *scales = marked(rows);
            for (size_t i = 0; i < rows * columns; i++)
                levels[i] = i / columns == 1 ? 0 : i / columns == 2 ? 65535 : (uint16_t)draw_bits();
            if (rows > 1) scales[1] = 0.5f;
            dseg_unit_scales(levels, rows, columns, roots, scales);
            for (size_t row = 0; row < rows; row++) {
                double sum = 0, scale = scales[row];
                for (size_t c = 0; c < columns; c++) sum += pow(levels[row * columns + c], 1 + roots);
                if (sum == 0) hold(scale, 0.5, 0);
                else hold(sum * pow(scale, 1 + roots), 1, gamma_of(1.001 * (1 + roots)));
            }
            hold_end(scales, rows);
        }
}

/// A sum of 256 terms at a time, then of the sums, then the scale.
static double roundings_of(size_t pixels) { return fmin((double)pixels, 256) + (double)(pixels / 256) + 3; }

static void hold_completion(size_t pixels, size_t count, bool roots) {
    uint16_t *integers = take(pixels * pixels * sizeof *integers);
    for (size_t i = 0; i < pixels * pixels; i++) integers[i] = (uint16_t)draw_bits();
    size_t floats = dseg_complete_scratch(pixels);
    float *scales = drawn(pixels), *maps = drawn(count * pixels), *y = marked(count * pixels);
    float *scratch = marked(floats), *alone = marked(pixels);
    dseg_complete(integers, roots, scales, pixels, maps, count, y, scratch);
    for (size_t i = 0; i < count * pixels; i++) {
        size_t map = i / pixels * pixels, row = i % pixels;
        double sum = 0, reach = 0;
        for (size_t j = 0; j < pixels; j++) {
            double number = (double)integers[row * pixels + j] * scales[row];
            double term = (roots ? number * number : number) * maps[map + j];
            sum += term;
            reach += fabs(term);
        }
        hold(y[i], sum, gamma_of(roundings_of(pixels) + 2 * roots) * reach);
    }
    hold_end(y, count * pixels);
    hold_end(scratch, floats);
    for (size_t map = 0; map < count; map++) {
        dseg_complete(integers, roots, scales, pixels, maps + map * pixels, 1, alone, scratch);
        hold(memcmp(alone, y + map * pixels, pixels * sizeof *y) == 0, 1, 0);
    }
    hold_end(alone, pixels);
}

/// Whole numbers, whose sums stay below 2^24, have no rounding in any order.
static void hold_whole_completion(size_t pixels) {
    uint16_t *integers = take(pixels * pixels * sizeof *integers);
    for (size_t i = 0; i < pixels * pixels; i++) integers[i] = i % 5 ? (uint16_t)(draw_bits() >> 50) : 65535;
    float *scales = marked(pixels), *maps = marked(2 * pixels), *y = marked(2 * pixels);
    for (size_t i = 0; i < pixels; i++) {
        scales[i] = 0.5f;
        maps[i] = (float)(i % 3) - 1;
        maps[pixels + i] = i % 7 == 0;
    }
    dseg_complete(integers, false, scales, pixels, maps, 2, y, marked(dseg_complete_scratch(pixels)));
    for (size_t i = 0; i < 2 * pixels; i++) {
        int64_t sum = 0;
        for (size_t j = 0; j < pixels; j++)
            sum += (int64_t)integers[i % pixels * pixels + j] * (int64_t)maps[i / pixels * pixels + j];
        hold(y[i], (double)sum / 2, 0);
    }
    hold_end(y, 2 * pixels);
}

/// A term of 2^24, beside which a 1 is lost, and then nothing but ones: as far off as a sum can be.
static void hold_worst_completion(size_t pixels) {
    uint16_t *integers = take(pixels * pixels * sizeof *integers);
    float *scales = marked(pixels), *map = marked(pixels), *y = marked(pixels);
    for (size_t i = 0; i < pixels * pixels; i++) integers[i] = i % pixels ? 1 : 32768;
    for (size_t i = 0; i < pixels; i++) {
        scales[i] = 1;
        map[i] = i ? 1 : 512;
    }
    dseg_complete(integers, false, scales, pixels, map, 1, y, marked(dseg_complete_scratch(pixels)));
    double sum = 0x1p24 + (double)pixels - 1;
    for (size_t i = 0; i < pixels; i++) hold(y[i], sum, gamma_of(roundings_of(pixels)) * sum);
    hold_end(y, pixels);
}

/// Six or eight rows and sixteen columns at a time, strips of 48 rows, chunks of 256 columns, sixteen maps at a time.
void check_complete(void) {
    static const size_t shapes[][2] = {{1, 1}, {7, 2}, {23, 15}, {25, 16}, {48, 16}, {49, 17}, {257, 3}, {300, 1}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        hold_completion(shapes[s][0], shapes[s][1], false);
        hold_completion(shapes[s][0], shapes[s][1], true);
        hold_whole_completion(shapes[s][0]);
    }
    hold_worst_completion(520);
    hold_worst_completion(1030);
}
