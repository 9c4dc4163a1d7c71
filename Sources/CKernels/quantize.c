// Quantizes weights and inputs to 16-bit integers, with a scale for each output and each row of inputs.
#include "internal.h"

/// Inputs of a panel that are widened at a time: an even number, and they fit the L1 cache.
enum { part = 64 };

/// factors ← the factors that quantize `count` outputs of `inputs` weights, given the sums of their squares and their
/// largest magnitudes; scales ← the inverses, which dequantize.
static void compute_scales(const float *squares, const float *largest, size_t count, size_t inputs, float *factors,
                           float *scales) {
    for (size_t i = 0; i < count; i++) {
        float norm = __builtin_sqrtf(squares[i]);
        if (squares[i] < 0x1p-80f || norm == __builtin_inff())  // under- or overflow: an upper bound
            norm = largest[i] * __builtin_sqrtf((float)inputs);
        float factor = DSEG_FIXED_LENGTH / norm, limit = 32767.0f / largest[i];
        factor = factor < limit ? factor : limit;  // no number overflows 16 bits
        bool is_zero = norm == 0.0f, is_lost = !(norm < __builtin_inff());
        factors[i] = is_zero || is_lost ? 0.0f : factor;
        scales[i] = is_zero ? 0.0f : is_lost ? __builtin_nanf("") : 1.0f / factor;
    }
}

size_t dseg_panel_rows(size_t inputs) { return dseg_parts(inputs, 2) + 2; }

size_t dseg_fixed_stride(size_t columns) {
    size_t lines = dseg_parts(dseg_parts(columns, 2) + 2, dseg_panel_width);
    return (lines + (lines % 8 == 0)) * dseg_panel_width;
}

void dseg_quantize_panels(const void *panels, dseg_number number, size_t count, size_t inputs, int32_t *pairs,
                          float *scales) {
    for (size_t panel = 0; panel < count; panel++, scales += dseg_panel_width) {
        dseg_panels w = {.base = panels, .number = number, .outputs = count * dseg_panel_width, .inputs = inputs};
        float widened[part * dseg_panel_width], squares[dseg_panel_width] = {0}, largest[dseg_panel_width] = {0};
        float factors[dseg_panel_width];
        for (size_t input = 0; input < inputs; input += part) {
            size_t some = dseg_least(part, inputs - input);
            dseg_simd->panel_norms(dseg_widened_panel(w, panel, input, some, widened), some, squares, largest);
        }
        compute_scales(squares, largest, dseg_panel_width, inputs, factors, scales);
        for (size_t input = 0; input < inputs; input += part) {
            size_t some = dseg_least(part, inputs - input);
            dseg_simd->quantize_panel(dseg_widened_panel(w, panel, input, some, widened), some, factors,
                                      pairs + input / 2 * dseg_panel_width);
        }
        dseg_simd->cross_panel(pairs, dseg_parts(inputs, 2));
        pairs += dseg_panel_rows(inputs) * dseg_panel_width;
    }
}

void dseg_compute_kernel_scales(const void *panels, dseg_number number, size_t count, size_t inputs, float *scales) {
    enum { numbers = dseg_frequencies * dseg_panel_width };
    dseg_panels w = {.base = panels, .number = number, .outputs = count * dseg_panel_width, .inputs = 9 * inputs};
    for (size_t panel = 0; panel < count; panel++) {
        float squares[numbers] = {0}, largest[numbers] = {0}, factors[numbers];
        dseg_kernels kernels = dseg_kernels_of(w, panel, 0, inputs);
        dseg_simd->winograd_norms(&kernels, squares, largest);
        compute_scales(squares, largest, numbers, inputs, factors, scales + panel * numbers);
    }
}

typedef struct {
    dseg_matrix x;
    dseg_window window;
    size_t first;   // output pixel of the first row of y
    float *buffer;  // im2col: a row for each thread; NULL: the rows are those of x
    dseg_fixed_inputs y;
} quantization;

/// Rows that a task quantizes.
enum { strip = 8 };

static void quantize_task(void *context, size_t task, size_t thread) {
    const quantization *q = context;
    size_t columns = q->y.columns, pairs = dseg_parts(columns, 2), end = dseg_least((task + 1) * strip, q->y.rows);
    size_t stride = dseg_fixed_stride(columns);
    float *buffer = q->buffer ? q->buffer + thread * columns : NULL;
    for (size_t row = task * strip; row < end; row++) {
        int32_t *values = q->y.values + row * stride;
        if (buffer) dseg_im2col(q->x, q->window, q->first + row, buffer);
        values[pairs - 1] = 0;  // pads an odd width
        q->y.scales[row] = dseg_simd->quantize(buffer ? buffer : dseg_row(q->x, row), columns, (int16_t *)values, 2);
        dseg_simd->cross_row(values, pairs);
    }
}

static void run(quantization q) {
    if (q.y.columns > 0) dseg_parallel(dseg_parts(q.y.rows, strip), quantize_task, &q);
}

void dseg_quantize_inputs(dseg_matrix x, dseg_fixed_inputs y) { run((quantization){.x = x, .y = y}); }

void dseg_quantize_windows(dseg_matrix x, dseg_window window, size_t first, dseg_fixed_inputs y, float *buffer) {
    run((quantization){.x = x, .window = window, .first = first, .buffer = buffer, .y = y});
}
