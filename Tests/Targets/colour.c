// Affinities weighed by colours and sharpened, and shares, against their definitions.
#include "targets.h"

/// What a pixel is to the kernel: colours and places over their deviations.
static void place_of(size_t i, const float *colours, size_t height, size_t width, const double *deviations, double *p) {
    for (size_t c = 0; c < 3; c++) p[c] = colours[3 * i + c] / deviations[0];
    p[3] = (double)(i / width) / (double)height / deviations[1];
    p[4] = (double)(i % width) / (double)width / deviations[1];
}

/// A term's relative error: two roundings of numbers, seen in the square of their difference, four of the square, that
/// of the power, 2e-7, and one of the product; the sum's is its terms', weighed by them.
static void weigh_row(dseg_matrix s, size_t row, const float *colours, size_t height, size_t width,
                      const double *deviations, bounded *expected) {
    double here[5], there[5], sum = 0, of_sum = 0;
    place_of(row, colours, height, width, deviations, here);
    for (size_t j = 0; j < s.columns; j++) {
        double square = 0, error = 4e-7;
        place_of(j, colours, height, width, deviations, there);
        for (size_t k = 0; k < 5; k++) {
            double d = fabs(here[k] - there[k]);
            square += d * d;
            error += d * u * (here[k] + there[k] + 4 * d);
        }
        expected[j] = (bounded){at(s, row, j) * exp(-square / 2), error};
        sum += expected[j].value;
        of_sum += expected[j].value * error;
    }
    for (size_t j = 0; j < s.columns; j++) {
        double value = sum > 0 ? expected[j].value / sum : j == row;
        double error = sum > 0 ? expected[j].slack + of_sum / sum + ((double)s.columns / 16 + 8) * u : 0;
        expected[j] = (bounded){value, value * error + (sum > 0 ? 1e-30 : 0)};
    }
}

/// Each tail of a vector, and grids that are not square; the second row is zeros.
void check_weigh(void) {
    static const size_t grids[][2] = {{1, 1}, {1, 2}, {3, 1}, {3, 5}, {4, 4}, {1, 17}, {5, 7}, {4, 8}, {6, 13}};
    static const double deviations[][2] = {{0.2f, 0.1f}, {1, 0.5f}, {1e6f, 1e6f}};
    for (size_t g = 0; g < sizeof grids / sizeof *grids; g++)
        for (size_t d = 0; d < 3; d++) {
            size_t height = grids[g][0], width = grids[g][1], pixels = height * width;
            dseg_matrix s = framed(pixels, pixels, 1);
            for (size_t i = 0; i < pixels * pixels; i++) {
                float *number = s.base + i / pixels * s.stride + i % pixels;
                *number = i / pixels == 1 ? 0 : fabsf(*number);
            }
            float *colours = drawn(3 * pixels), *scratch = marked(dseg_weigh_scratch(pixels));
            for (size_t i = 0; i < 3 * pixels; i++) colours[i] = fabsf(colours[i]);
            bounded *expected = nothing(pixels * pixels);
            for (size_t row = 0; row < pixels; row++)
                weigh_row(s, row, colours, height, width, deviations[d], expected + row * pixels);
            dseg_weigh(s, colours, height, width, (float)deviations[d][0], (float)deviations[d][1], scratch);
            hold_all(s, expected);
            hold_end(scratch, dseg_weigh_scratch(pixels));
        }
}

/// A power has a rounding for each of its products, and all have a step of 2^-50; a share has three roundings.
static void hold_shares(size_t labels, size_t pixels, unsigned exponent) {
    dseg_matrix maps = framed(labels, pixels, 1);
    bounded *expected = nothing(labels * pixels);
    for (size_t i = 0; i < labels * pixels; i++) {
        float *number = maps.base + i / pixels * maps.stride + i % pixels;
        *number = fabsf(*number);
    }
    for (size_t pixel = 0; pixel < pixels; pixel++) {
        double sum = 0;
        for (size_t k = 0; k < labels; k++) sum += pow(at(maps, k, pixel), exponent);
        for (size_t k = 0; k < labels; k++) {
            double m = at(maps, k, pixel), value = m * pow(m, exponent) / larger(sum, 1e-9);
            double slack = value * gamma_of(2.0 * exponent + 3) + 0x1p-50 * (double)labels / larger(sum, 1e-9);
            expected[k * pixels + pixel] = (bounded){value, slack};
        }
    }
    dseg_share(maps, exponent);
    hold_all(maps, expected);
}

/// Pixels around a vector and around a task's 256.
void check_share(void) {
    static const size_t shapes[][2] = {{1, 1}, {2, 15}, {3, 16}, {4, 17}, {5, 257}, {21, 300}};
    static const unsigned exponents[] = {0, 1, 3, 8, 64};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t e = 0; e < 5; e++) hold_shares(shapes[s][0], shapes[s][1], exponents[e]);
}

/// A number has a quotient, and the errors of its terms; a row the quotient by its sum.
static void sharpen_row(dseg_matrix s, size_t row, const double *most, double entropy, bounded *expected) {
    double sum = 0, of_sum = 0, rate = entropy / log(10);
    for (size_t j = 0; j < s.columns; j++) {
        double a = at(s, row, j) / most[j], ln = log(a);
        expected[j] = (bounded){0, 0};
        if (at(s, row, j) == 0) continue;
        expected[j].value = fmax(0, a + rate * (1 + ln));
        expected[j].slack = (a + rate * (1 + fabs(ln))) * 4 * u + rate * 2e-7 * fabs(ln);
        sum += expected[j].value;
        of_sum += expected[j].slack;
    }
    for (size_t j = 0; j < s.columns; j++) {
        double value = sum > 0 ? expected[j].value / sum : j == row;
        double slack = sum > 0 ? expected[j].slack / sum + value * (of_sum / sum + 2 * u) : 0;
        expected[j] = (bounded){value, slack};
    }
}

/// Each tail of a vector, and more columns than a task has; zeros, a row of them and a column.
void check_sharpen(void) {
    static const size_t sizes[] = {1, 2, 5, 15, 16, 17, 31, 33, 255, 256, 257};
    static const float entropies[] = {0, 0.015f, 0.2f};
    for (size_t n = 0; n < sizeof sizes / sizeof *sizes; n++)
        for (size_t e = 0; e < 3; e++) {
            size_t pixels = sizes[n];
            dseg_matrix s = framed(pixels, pixels, 1);
            double *most = take(pixels * sizeof *most);
            for (size_t j = 0; j < pixels; j++) most[j] = 0;
            for (size_t i = 0; i < pixels * pixels; i++) {
                size_t row = i / pixels, j = i % pixels;
                float *number = s.base + row * s.stride + j;
                *number = row == 4 || j == 3 || i % 11 == 6 ? 0 : fabsf(*number * *number * *number);
                most[j] = larger(most[j], *number);
            }
            bounded *expected = nothing(pixels * pixels);
            float *scratch = marked(dseg_sharpen_scratch(pixels));
            for (size_t row = 0; row < pixels; row++)
                sharpen_row(s, row, most, (double)entropies[e], expected + row * pixels);
            dseg_sharpen(s, entropies[e], scratch);
            hold_all(s, expected);
            hold_end(scratch, dseg_sharpen_scratch(pixels));
        }
}
