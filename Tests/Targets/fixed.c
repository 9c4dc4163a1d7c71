// Rows, weights and kernels that the library quantized, against the floats that they were quantized from.
#include "targets.h"

#include <string.h>

static const int32_t untouched = 0x7abc7abc;

grains grains_of(const double *x, size_t count, size_t step, double length) {
    double squares = 0, most = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        double value = fabs(x[i * step]);
        squares += value * value;
        sum += value;
        most = larger(most, value);
    }
    return (grains){0.51 * larger(sqrt(squares) / length, most / 32767), sum, count};
}

double miss_of(grains a, grains b) {
    return a.half_unit * b.magnitudes + b.half_unit * a.magnitudes + a.half_unit * b.half_unit * (double)a.count;
}

static size_t pairs_of(size_t count) { return (count + 1) / 2; }

dseg_fixed_inputs fixed_inputs(dseg_matrix x) {
    size_t count = x.rows * dseg_fixed_stride(x.columns);
    dseg_fixed_inputs y = {take((count + 1) * sizeof(int32_t)), marked(x.rows), x.rows, x.columns};
    for (size_t i = 0; i <= count; i++) y.values[i] = untouched;
    dseg_quantize_inputs(x, y);
    hold(y.values[count], untouched, 0);
    hold_end(y.scales, x.rows);
    hold_frame(x);
    return y;
}

int16_t fixed_input(dseg_fixed_inputs x, size_t row, size_t column) {
    return ((const int16_t *)(x.values + row * dseg_fixed_stride(x.columns)))[column];
}

int16_t fixed_weight(dseg_panels w, size_t output, size_t input) {
    size_t place = (output / 16 * dseg_panel_rows(w.inputs) + input / 2) * 16 + output % 16;
    return ((const int16_t *)w.base)[2 * place + input % 2];
}

/// A number of a row in fixed point, whose scale is that of the row's unit to a thousandth.
static void hold_fixed(double number, double scale, double value, grains row) {
    hold(scale, row.half_unit / 0.51, 1e-3 * row.half_unit / 0.51);
    hold(number * scale, value, row.half_unit);
    hold(fabs(number) <= 32767, 1, 0);
}

/// Tails of pairs, of panels, and of the inputs that are widened at a time (64).
static const size_t shapes[][2] = {{1, 1}, {5, 2}, {15, 3}, {16, 16}, {17, 63}, {33, 64}, {3, 65}, {2, 257}, {1, 1281}};
enum { shape_count = sizeof shapes / sizeof *shapes };

void check_fixed_panels(void) {
    for (size_t s = 0; s < shape_count; s++) {
        size_t outputs = shapes[s][0], inputs = shapes[s][1];
        learned w = learn(dseg_fixed16, outputs, inputs, 1);
        for (size_t o = 0; o < (outputs + 15) / 16 * 16; o++) {
            const double *row = w.values + o * inputs;
            grains g = o < outputs ? grains_of(row, inputs, 1, long_row) : (grains){0};
            double squares = 0;
            for (size_t k = 0; k < 2 * pairs_of(inputs); k++) {
                double number = fixed_weight(w.panels, o, k);
                squares += number * number;
                if (o < outputs && k < inputs) hold_fixed(number, w.panels.scales[o], row[k], g);
                else hold(number, 0, 0);
            }
            hold(squares < 0x1p31, 1, 0);
        }
    }
}

void check_fixed_inputs(void) {
    static const float sizes[] = {1.0f, 1e-30f, 1e30f};
    for (size_t s = 0; s < shape_count * 3; s++) {
        size_t rows = shapes[s / 3][0], columns = shapes[s / 3][1];
        dseg_matrix x = framed(rows, columns, sizes[s % 3]);
        dseg_fixed_inputs fixed = fixed_inputs(x);
        double *row = take(columns * sizeof(double));
        for (size_t i = 0; i < rows; i++) {
            double squares = 0;
            for (size_t c = 0; c < columns; c++) row[c] = at(x, i, c);
            grains g = grains_of(row, columns, 1, long_row);
            for (size_t c = 0; c < 2 * pairs_of(columns); c++) {
                double number = fixed_input(fixed, i, c);
                squares += number * number;
                if (c < columns) hold_fixed(number, fixed.scales[i], row[c], g);
                else hold(number, 0, 0);
            }
            hold(squares < 0x1p31, 1, 0);
        }
    }
}

/// The corner frequencies read one weight of a kernel each: by 64/81 twice, once and never.
void check_fixed_kernels(void) {
    static const struct {
        size_t frequency, position;
        double factor;
    } corners[] = {{0, 0, 4096.0 / 6561}, {5, 2, 64.0 / 81}, {30, 6, 64.0 / 81}, {35, 8, 1}};
    for (size_t s = 0; s < shape_count; s++)
        for (int number = dseg_f32; number <= dseg_bf16; number++) {
            size_t outputs = shapes[s][0], inputs = shapes[s][1] % 131 + 1;
            learned w = learn_kernels((dseg_number)number, outputs, inputs);
            for (size_t o = 0; o < outputs; o++)
                for (size_t c = 0; c < sizeof corners / sizeof *corners; c++) {
                    const double *row = w.values + (o * 9 + corners[c].position) * inputs;
                    double unit = grains_of(row, inputs, 1, long_row).half_unit / 0.51 * corners[c].factor;
                    hold(w.panels.scales[(o / 16 * dseg_frequencies + corners[c].frequency) * 16 + o % 16], unit,
                         1e-3 * unit);
                }
        }
}

/// What is not finite reaches its own row or output; a row of zeros has the scale 0.
void check_nan_in_fixed(void) {
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t s = 0; s < shape_count * 3; s++) {
        size_t rows = shapes[s / 3][0] + 2, columns = shapes[s / 3][1];
        dseg_matrix x = framed(rows, columns, 1.0f), y = framed(rows, 5, 0);
        x.base[x.stride + columns / 2] = bad[s % 3];
        memset(x.base, 0, columns * sizeof(float));
        dseg_fixed_inputs fixed = fixed_inputs(x);
        learned w = learn(dseg_fixed16, 5, columns, 1);
        ((float *)w.panels.scales)[3] = NAN;
        dseg_fixed_linear(fixed, w.panels, NULL, y, false);
        hold(fixed.scales[0], 0, 0);
        for (size_t i = 0; i < rows * 5; i++) hold(isnan(at(y, i / 5, i % 5)) != 0, i / 5 == 1 || i % 5 == 3, 0);
        for (size_t o = 0; o < 5; o++) hold(o == 3 || at(y, 0, o) == 0, 1, 0);
    }
}
