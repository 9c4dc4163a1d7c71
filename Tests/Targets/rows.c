// Norms and what happens to single numbers, against their definitions.
#include "targets.h"

// ---- norms ------------------------------------------------------------------------------------------------------

/// x sigmoid(slope x) of a bounded x: the exponential has 2e-7 and the rounding of its argument; a sum, a quotient and
/// the slope have one rounding each; the derivative is 1.1 at most. Where e^(-slope x) is over e^88, it stays there.
static bounded gate(bounded x, double slope) {
    double argument = fabs(slope * x.value), value = x.value / (1 + exp(-slope * x.value));
    double relative = 2e-7 + (2 * argument + 3) * u;
    return (bounded){value, 1.1 * x.slack + fabs(value) * relative + (argument > 80 ? fabs(x.value) * 1e-34 : 0)};
}

/// What is expected of a group: [first, first + width) of all rows, y = gain x + shift.
///
/// In a strip of 128 rows distances from its first row and their squares are added up in floats: as many roundings as
/// rows and two for each term, relative to the magnitudes; the rest is in double precision.
static void expect_group(dseg_matrix x, size_t first, size_t width, const float *gamma, const float *beta,
                         double epsilon, bounded *expected) {
    double count = (double)(x.rows * width), mean = 0, variance = 0, distances = 0, squares = 0;
    for (size_t i = 0; i < x.rows * width; i++) mean += at(x, i / width, first + i % width) / count;
    for (size_t i = 0; i < x.rows * width; i++) {
        double number = at(x, i / width, first + i % width);
        double distance = number - at(x, i / width / 128 * 128, first + i % width);
        variance += (number - mean) * (number - mean) / count;
        distances += fabs(distance);
        squares += distance * distance;
    }
    double roundings = (double)(x.rows < 128 ? x.rows : 128) + 4, power = variance + epsilon;
    double mean_error = roundings * u * distances / count;
    double variance_error = roundings * u * (squares + 2 * distances * distances / count) / count;
    for (size_t i = 0; i < x.rows * width; i++) {
        size_t c = first + i % width;
        double gain = gamma[c] / sqrt(power), number = at(x, i / width, c), centred = (number - mean) * gain;
        // Gain and shift are rounded, and so are the product and the sum.
        double reach = fabs(number * gain) + fabs(mean * gain) + fabs(beta[c]);
        expected[i / width * x.columns + c] = (bounded){
            centred + beta[c], fabs(gain) * mean_error + fabs(centred) * variance_error / power + 4 * u * reach};
    }
}

void check_group_norm(void) {
    static const size_t shapes[][3] = {{7, 1, 1},   {7, 6, 2},    {3, 15, 5},  {5, 16, 4},  {6, 17, 1},
                                       {9, 64, 32}, {127, 20, 5}, {128, 3, 3}, {257, 36, 2}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int silu = 0; silu < 2; silu++) {
            size_t rows = shapes[s][0], columns = shapes[s][1], groups = shapes[s][2], width = columns / groups;
            dseg_matrix x = framed(rows, columns, 3.0f), y = framed(rows, columns, 0);
            const float *gamma = drawn(columns), *beta = drawn(columns);
            size_t floats = dseg_group_norm_scratch(rows, columns);
            float *scratch = marked(floats);
            bounded *expected = nothing(rows * columns);
            for (size_t g = 0; g < groups; g++) expect_group(x, g * width, width, gamma, beta, 1e-5f, expected);
            for (size_t i = 0; i < rows * columns && silu; i++) expected[i] = gate(expected[i], 1);
            (silu ? dseg_group_norm_silu : dseg_group_norm)(x, y, gamma, beta, groups, 1e-5f, scratch);
            hold_all(y, expected);
            hold_frame(x);
            hold_end(scratch, floats);
        }
}

/// Sixteen lanes, each a sum of a sixteenth of the row, then the lanes' sums and a quotient; twice.
void check_layer_norm(void) {
    static const size_t widths[] = {2, 6, 8, 15, 16, 17, 63, 64, 65, 255, 257, 768};
    for (size_t s = 0; s < sizeof widths / sizeof *widths; s++) {
        size_t rows = s == 3 ? 129 : 3, columns = widths[s];
        dseg_matrix x = framed(rows, columns, 3.0f), y = framed(rows, columns, 0);
        const float *gamma = drawn(columns), *beta = drawn(columns);
        double count = (double)columns, roundings = (count / 16 + 8) * u;
        dseg_layer_norm(x, y, gamma, beta, 1e-5f);
        for (size_t row = 0; row < rows; row++) {
            double mean = 0, reach = 0, variance = 0;
            for (size_t c = 0; c < columns; c++) mean += at(x, row, c) / count;
            for (size_t c = 0; c < columns; c++) {
                reach += fabs(at(x, row, c)) / count;
                variance += (at(x, row, c) - mean) * (at(x, row, c) - mean) / count;
            }
            double power = variance + 1e-5f, mean_error = roundings * reach;
            double relative = roundings + 4 * u + mean_error * mean_error / power;
            for (size_t c = 0; c < columns; c++) {
                double gain = gamma[c] / sqrt(power), centred = (at(x, row, c) - mean) * gain;
                hold(at(y, row, c), centred + beta[c],
                     fabs(gain) * mean_error + fabs(centred) * relative + 2 * u * fabs(centred + beta[c]));
            }
        }
        hold_frame(y);
        hold_frame(x);
    }
}

// ---- single numbers ---------------------------------------------------------------------------------------------

/// Columns around a vector; numbers of every size from -100 to 100.
static const size_t widths[] = {1, 6, 8, 15, 16, 17, 31, 33, 64, 65, 257};
enum { shapes = sizeof widths / sizeof *widths };

static dseg_matrix spread(size_t s) {
    static const float edges[] = {-100, 100, -88, 88, -87.4f, 0, -5.6568f, 1e-30f, -1e4f, 1e4f};
    dseg_matrix x = framed(s == 4 ? 65 : 3, widths[s], 6.0f);
    for (size_t i = 0; i < x.rows * x.columns; i++) {
        float *number = x.base + i / x.columns * x.stride + i % x.columns;
        if (i < sizeof edges / sizeof *edges) *number = edges[i];
        else if (i % 3 == 0) *number *= 16;
    }
    return x;
}

void check_gates(void) {
    for (size_t s = 0; s < shapes; s++)
        for (int quick = 0; quick < 2; quick++) {
            dseg_matrix x = spread(s);
            bounded *expected = nothing(x.rows * x.columns);
            for (size_t i = 0; i < x.rows * x.columns; i++)
                expected[i] = gate((bounded){at(x, i / x.columns, i % x.columns), 0}, quick ? 1.702 : 1);
            (quick ? dseg_quick_gelu : dseg_silu)(x);
            hold_all(x, expected);
        }
}

/// A logarithm is 2e-7 from its value, relative to it.
void check_logarithm(void) {
    for (size_t s = 0; s < shapes; s++) {
        dseg_matrix x = framed(7, widths[s], 1.0f), y = framed(7, widths[s], 0);
        bounded *expected = nothing(x.rows * x.columns);
        for (size_t i = 0; i < x.rows * x.columns; i++) {
            float *number = x.base + i / x.columns * x.stride + i % x.columns;
            // Numbers of every size, and some around 1.
            *number = i % 3 ? ldexpf(1.5f + *number / 2, (int)(i * 37 % 250) - 125) : 1 + *number * 0x1p-10f;
            if (*number < 0x1p-126f) *number = 0x1p-126f;
            expected[i].value = log(*number);
            expected[i].slack = 2e-7 * fabs(expected[i].value);
        }
        dseg_logarithm(x, y);
        hold_all(y, expected);
        hold_frame(x);
    }
}

/// erf is 3e-7 from its value, and half of x times that remains; its argument's rounding moves it by 0.5 u at most
/// (x erf'(x) is below 0.5), and a half, a sum and a product are rounded, and the product with h.
static bounded gelu(double x, double h) {
    return (bounded){h * x * 0.5 * erfc(-x / sqrt(2)), fabs(h * x) * (0.5 * 3e-7 + 4.5 * u)};
}

void check_gelu(void) {
    for (size_t s = 0; s < shapes; s++) {
        dseg_matrix g = spread(s), x = framed(g.rows, 2 * g.columns, 2.0f), y = framed(g.rows, g.columns, 0);
        bounded *alone = nothing(g.rows * g.columns), *gated = nothing(g.rows * g.columns);
        for (size_t i = 0; i < g.rows * g.columns; i++) {
            size_t row = i / g.columns, column = i % g.columns;
            x.base[row * x.stride + g.columns + column] = g.base[row * g.stride + column];
            alone[i] = gelu(at(g, row, column), 1);
            gated[i] = gelu(at(g, row, column), at(x, row, column));
        }
        dseg_gated_gelu(x, y);
        dseg_gelu(g);
        hold_all(g, alone);
        hold_all(y, gated);
        hold_frame(x);
    }
}

/// NaN stays NaN in its lane, and no other becomes one.
void check_nan(void) {
    static void (*const activations[])(dseg_matrix) = {dseg_silu, dseg_quick_gelu, dseg_gelu, dseg_deviation};
    for (size_t a = 0; a < sizeof activations / sizeof *activations; a++)
        for (size_t place = 0; place < 35; place++) {
            dseg_matrix x = framed(1, 35, 1.0f);
            x.base[place] = NAN;
            activations[a](x);
            for (size_t i = 0; i < 35; i++) hold(isnan(x.base[i]) != 0, i == place, 0);
            hold_frame(x);
        }
}

/// A rounding for each product and one for their sum; a single product has one, a copy none.
void check_lines(void) {
    const float a = 0.3f, b = -1.7f;
    for (size_t s = 0; s < shapes; s++) {
        dseg_matrix x = spread(s), lines[4];
        bounded *expected[4];
        for (int i = 0; i < 4; i++) {
            lines[i] = framed(x.rows, x.columns, 2.0f);
            expected[i] = nothing(x.rows * x.columns);
        }
        for (size_t i = 0; i < x.rows * x.columns; i++) {
            size_t row = i / x.columns, column = i % x.columns;
            double n = at(x, row, column), p = at(lines[0], row, column), q = at(lines[1], row, column);
            double r = at(lines[2], row, column) * n;
            expected[0][i] = (bounded){a * n + b * p, 2 * u * (fabs(a * n) + fabs(b * p))};
            expected[1][i] = (bounded){a * q + b, 2 * u * (fabs(a * q) + fabs((double)b))};
            expected[2][i] = (bounded){r, u * fabs(r)};
            expected[3][i] = (bounded){n, 0};
        }
        dseg_blend(x, a, lines[0], b);
        dseg_affine(lines[1], a, b);
        dseg_multiply(x, lines[2]);
        dseg_copy(x, lines[3]);
        for (int i = 0; i < 4; i++) hold_all(lines[i], expected[i]);
    }
}

/// The two rows are widened without a rounding, and their sum has one.
void check_embed(void) {
    static const int32_t tokens[] = {10, 0, 3, 3, 9, 1};
    for (size_t s = 0; s < shapes; s++)
        for (int number = dseg_f32; number <= dseg_bf16; number++) {
            size_t columns = widths[s];
            dseg_table table = {stored((dseg_number)number, 11 * columns), (dseg_number)number, columns};
            dseg_number other = (dseg_number)(2 - number);
            dseg_table positions = {stored(other, 6 * columns), other, columns};
            dseg_matrix y = framed(6, columns, 0);
            dseg_embed(tokens, table, positions, y);
            for (size_t i = 0; i < 6 * columns; i++) {
                size_t place = (size_t)tokens[i / columns] * columns + i % columns;
                double sum =
                    stored_value(table.base, table.number, place) + stored_value(positions.base, positions.number, i);
                hold(at(y, i / columns, i % columns), sum, u * fabs(sum));
            }
            hold_frame(y);
        }
}
