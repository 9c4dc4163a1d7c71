// Products in fixed point: integers of 16 bits with a scale for each row of inputs and each output. Sums are exact.
#include "internal.h"

/// Inputs of a panel that are widened at a time: an even number, and they fit a first-level cache.
enum { part = 64 };

/// factors <- what brings rows of `inputs` numbers, of the given squares and largest magnitudes, to integers, scales <-
/// what undoes it.
static void settle(const float *squares, const float *largest, size_t count, size_t inputs, float *factors,
                   float *scales) {
    for (size_t i = 0; i < count; i++) {
        float norm = __builtin_sqrtf(squares[i]);
        if (squares[i] < 0x1p-80f || norm == __builtin_inff())  // squares may have been lost: as if all were largest
            norm = largest[i] * __builtin_sqrtf((float)inputs);
        float factor = DSEG_FIXED_LENGTH / norm, limit = 32767.0f / largest[i];
        factor = factor < limit ? factor : limit;              // no number alone may pass 2^15
        bool is_zero = norm == 0.0f, is_lost = !(norm < __builtin_inff());
        factors[i] = is_zero || is_lost ? 0.0f : factor;
        scales[i] = is_zero ? 0.0f : is_lost ? __builtin_nanf("") : 1.0f / factor;
    }
}

void dseg_fix_panels(const void *panels, dseg_number number, size_t count, size_t inputs, int32_t *pairs,
                     float *scales) {
    for (size_t panel = 0; panel < count; panel++, scales += dseg_panel_width) {
        dseg_panels w = {.base = panels, .number = number, .outputs = count * dseg_panel_width, .inputs = inputs};
        float widened[part * dseg_panel_width], squares[dseg_panel_width] = {0}, largest[dseg_panel_width] = {0};
        float factors[dseg_panel_width];
        for (size_t input = 0; input < inputs; input += part) {
            size_t some = dseg_least(part, inputs - input);
            dseg_simd->panel_norms(dseg_widened_panel(w, panel, input, some, widened), some, squares, largest);
        }
        settle(squares, largest, dseg_panel_width, inputs, factors, scales);
        for (size_t input = 0; input < inputs; input += part) {
            size_t some = dseg_least(part, inputs - input);
            dseg_simd->quantize_panel(dseg_widened_panel(w, panel, input, some, widened), some, factors, pairs);
            pairs += dseg_parts(some, 2) * dseg_panel_width;
        }
    }
}

void dseg_fix_kernels(const void *panels, dseg_number number, size_t count, size_t inputs, float *scales) {
    enum { numbers = dseg_frequencies * dseg_panel_width };
    dseg_panels w = {.base = panels, .number = number, .outputs = count * dseg_panel_width, .inputs = 9 * inputs};
    for (size_t panel = 0; panel < count; panel++) {
        float squares[numbers] = {0}, largest[numbers] = {0}, factors[numbers];
        dseg_kernels kernels = dseg_kernels_of(w, panel, 0, inputs);
        dseg_simd->winograd_norms(&kernels, squares, largest);
        settle(squares, largest, numbers, inputs, factors, scales + panel * numbers);
    }
}

typedef struct {
    dseg_matrix x;
    dseg_window window;
    size_t first;                         // row of y that the first row of `fixed` is for
    float *gathered;                      // NULL: rows of x are fixed as they are
    dseg_fixed_inputs fixed;
} fixing;

static size_t pairs_of(dseg_fixed_inputs x) { return dseg_parts(x.columns, 2); }

/// Rows that a task fixes.
enum { strip = 8 };

static void fix_task(void *context, size_t task, size_t thread) {
    const fixing *f = context;
    size_t pairs = pairs_of(f->fixed), end = dseg_least((task + 1) * strip, f->fixed.rows);
    for (size_t row = task * strip; row < end; row++) {
        int32_t *values = f->fixed.values + row * pairs;
        const float *x = f->gathered ? f->gathered + thread * f->fixed.columns : dseg_row(f->x, row);
        if (f->gathered)
            dseg_gather(f->x, f->window, f->first + row, 0, f->fixed.columns, f->gathered + thread * f->fixed.columns);
        values[pairs - 1] = 0;            // beside an odd width
        f->fixed.scales[row] = dseg_simd->quantize(x, f->fixed.columns, (int16_t *)values, 2);
    }
}

static void fix(fixing f) {
    if (f.fixed.columns > 0) dseg_parallel(dseg_parts(f.fixed.rows, strip), fix_task, &f);
}

void dseg_fix_inputs(dseg_matrix x, dseg_fixed_inputs y) { fix((fixing){.x = x, .fixed = y}); }

typedef struct {
    dseg_fixed_inputs x;
    dseg_panels w;
    const float *bias;
    dseg_matrix y;
    bool adding;
    dseg_cut cut;
} product;

/// The product of an extent's rows with a panel, released where `to` says; its scales and bias are filled in.
static void multiply(const product *p, dseg_extent e, size_t panel, dseg_dequantized to) {
    size_t pairs = pairs_of(p->x), output = panel * dseg_panel_width;
    to.row_scales = p->x.scales + e.row;
    to.column_scales = p->w.scales + output;
    to.bias = p->bias ? p->bias + output : NULL;
    dseg_simd->gemm_int16(&(dseg_pair_product){
        .rows = e.rows, .pairs = pairs, .x = p->x.values + e.row * pairs, .x_stride = pairs,
        .panel = (const int32_t *)p->w.base + panel * pairs * dseg_panel_width, .dequantized = &to});
}

static void product_task(void *context, size_t task, size_t thread) {
    (void)thread;
    const product *p = context;
    dseg_extent e = dseg_extent_of(p->cut, task);
    for (size_t panel = e.panel; panel < e.end; panel++) {
        size_t column = panel * dseg_panel_width;
        multiply(p, e, panel,
                 (dseg_dequantized){.columns = dseg_least(dseg_panel_width, p->y.columns - column),
                                .y = dseg_row(p->y, e.row) + column, .y_stride = p->y.stride, .adding = p->adding});
    }
}

static void gated_task(void *context, size_t task, size_t thread) {
    (void)thread;
    const product *p = context;
    dseg_extent e = dseg_extent_of(p->cut, task);
    float h[dseg_task_rows * dseg_panel_width], g[dseg_task_rows * dseg_panel_width];
    for (size_t panel = e.panel; panel < e.end; panel++) {
        dseg_dequantized to = {.columns = dseg_panel_width, .y = h, .y_stride = dseg_panel_width};
        multiply(p, e, panel, to);
        to.y = g;
        multiply(p, e, panel + p->y.columns / dseg_panel_width, to);
        dseg_simd->gelu_gate(h, g, h, e.rows * dseg_panel_width);
        for (size_t i = 0; i < e.rows; i++)
            __builtin_memcpy(dseg_row(p->y, e.row + i) + panel * dseg_panel_width, h + i * dseg_panel_width,
                             dseg_panel_width * sizeof(float));
    }
}

void dseg_fixed_linear(dseg_fixed_inputs x, dseg_panels w, const float *bias, dseg_matrix y, bool adding) {
    product p = {x, w, bias, y, adding, dseg_cut_of(y.rows, y.columns)};
    dseg_parallel(p.cut.tasks, product_task, &p);
}

void dseg_fixed_gated_linear(dseg_fixed_inputs x, dseg_panels w, const float *bias, dseg_matrix y) {
    product p = {x, w, bias, y, false, dseg_cut_of(y.rows, y.columns)};
    dseg_parallel(p.cut.tasks, gated_task, &p);
}

/// Rows that are gathered and multiplied together: enough for all threads, and not all of a large map.
enum { gathered_rows = 4 * dseg_task_rows };

static size_t numbers_of(size_t rows, size_t inputs) { return rows * (dseg_parts(inputs, 2) + 1); }

size_t dseg_gathered_fixed_scratch(size_t rows, size_t inputs) {
    return dseg_threads() * inputs + numbers_of(dseg_least(gathered_rows, rows), inputs);
}

void dseg_gathered_fixed_convolution(dseg_matrix x, dseg_window window, dseg_panels w, const float *bias, dseg_matrix y,
                                     bool adding, float *scratch) {
    fixing f = {.x = x, .window = window, .gathered = scratch};
    f.fixed.scales = scratch + dseg_threads() * w.inputs;
    f.fixed.values = (int32_t *)f.fixed.scales + dseg_least(gathered_rows, y.rows);
    f.fixed.columns = w.inputs;
    for (; f.first < y.rows; f.first += f.fixed.rows) {
        f.fixed.rows = dseg_least(gathered_rows, y.rows - f.first);
        fix(f);
        dseg_matrix part_of_y = {dseg_row(y, f.first), f.fixed.rows, y.columns, y.stride};
        dseg_fixed_linear(f.fixed, w, bias, part_of_y, adding);
    }
}
