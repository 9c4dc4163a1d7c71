// Products with weights in panels, cut into tasks for the pool. A convolution is a product whose rows are gathered.
#include "internal.h"

/// Rows of a task: with `block` inputs they fill half of a second-level cache, and every panel is read once for all.
enum { task_rows = 240 };
/// Inputs of a pass: a block of a panel, widened to f32, fills half of a first-level cache.
enum { block = 256 };

typedef struct {
    dseg_matrix x, y;
    dseg_panels w;
    const float *bias;
    size_t panels;                        // of a task
    size_t column_tasks;
    bool adding;
    dseg_window window;
    float *scratch;                       // NULL: x is multiplied as it is
} product;

const float *dseg_widened(const void *base, dseg_number number, size_t first, size_t count, float *buffer) {
    switch (number) {
    case dseg_f32: return (const float *)base + first;
    case dseg_f16: dseg_tiles->widen_f16((const uint16_t *)base + first, buffer, count); break;
    case dseg_bf16:
    case dseg_bf16_pairs: dseg_tiles->widen_bf16((const uint16_t *)base + first, buffer, count); break;
    }
    return buffer;
}

const float *dseg_widened_panel(dseg_panels w, size_t panel, size_t input, size_t count, float *buffer) {
    size_t first = (panel * w.inputs + input) * dseg_panel_width;
    return dseg_widened(w.base, w.number, first, count * dseg_panel_width, buffer);
}

void dseg_multiply_panel(const dseg_product *p, size_t columns) {
    if (columns == dseg_panel_width) {
        dseg_tiles->product(p);
        return;
    }
    float bias[dseg_panel_width] = {0}, c[24 * dseg_panel_width] = {0};
    if (p->bias) __builtin_memcpy(bias, p->bias, columns * sizeof(float));
    dseg_product part = *p;
    part.bias = p->bias ? bias : NULL;
    part.c = c;
    part.c_stride = dseg_panel_width;
    for (size_t row = 0; row < p->rows; row += part.rows) {
        float *y = p->c + row * p->c_stride;
        part.rows = dseg_least(24, p->rows - row);
        part.x = p->x + row * p->x_stride;
        for (size_t i = 0; p->adding && i < part.rows; i++)
            __builtin_memcpy(c + i * dseg_panel_width, y + i * p->c_stride, columns * sizeof(float));
        dseg_tiles->product(&part);
        for (size_t i = 0; i < part.rows; i++)
            __builtin_memcpy(y + i * p->c_stride, c + i * dseg_panel_width, columns * sizeof(float));
    }
}

/// Copies what lies under the kernel at an output pixel side by side, of [kernel * kernel * inputs] the part that
/// begins with `first`.
static void gather(const product *p, size_t pixel, size_t first, size_t count, float *to) {
    dseg_window w = p->window;
    size_t inputs = p->x.columns, scale = w.doubled ? 2 : 1;
    size_t height = w.height * scale, width = w.width * scale;
    size_t top = pixel / w.out_width * w.stride, left = pixel % w.out_width * w.stride;
    for (size_t end = first + count; first < end;) {
        size_t position = first / inputs, channel = first % inputs;
        size_t length = dseg_least(inputs - channel, end - first);
        size_t y = top + position / w.kernel - w.before, x = left + position % w.kernel - w.before;   // wrap below zero
        if (y < height && x < width)
            __builtin_memcpy(to, dseg_row(p->x, y / scale * w.width + x / scale) + channel, length * sizeof(float));
        else
            __builtin_memset(to, 0, length * sizeof(float));
        first += length;
        to += length;
    }
}

/// The outputs of a task.
typedef struct {
    size_t row, rows;
    size_t panel, end;                    // of its panels
} extent;

static extent extent_of(const product *p, size_t task) {
    size_t row = task / p->column_tasks * task_rows, panel = task % p->column_tasks * p->panels;
    return (extent){row, dseg_least(task_rows, p->y.rows - row), panel,
                    dseg_least(panel + p->panels, dseg_parts(p->y.columns, dseg_panel_width))};
}

static void product_task(void *context, size_t task, size_t thread) {
    const product *p = context;
    extent e = extent_of(p, task);
    float *gathered = p->scratch ? p->scratch + thread * task_rows * block : NULL;
    float widened[block * dseg_panel_width];
    for (size_t input = 0; input < p->w.inputs; input += block) {
        size_t count = dseg_least(block, p->w.inputs - input);
        dseg_product part = {.rows = e.rows, .inputs = count, .c_stride = p->y.stride};
        part.x = gathered ? gathered : dseg_row(p->x, e.row) + input;
        part.x_stride = gathered ? block : p->x.stride;
        for (size_t i = 0; gathered && i < e.rows; i++) gather(p, e.row + i, input, count, gathered + i * block);
        for (size_t panel = e.panel; panel < e.end; panel++) {
            size_t column = panel * dseg_panel_width;
            part.panel = dseg_widened_panel(p->w, panel, input, count, widened);
            part.c = dseg_row(p->y, e.row) + column;
            part.bias = input == 0 && p->bias ? p->bias + column : NULL;
            part.adding = p->adding || input > 0;
            dseg_multiply_panel(&part, dseg_least(dseg_panel_width, p->y.columns - column));
        }
    }
}

/// Puts a bias, or zeros, where a product is added up, unless that is to be added to.
static void begin(const product *p, extent e) {
    size_t column = e.panel * dseg_panel_width;
    size_t columns = dseg_least(e.end * dseg_panel_width, p->y.columns) - column;
    for (size_t i = 0; i < e.rows; i++) {
        float *y = dseg_row(p->y, e.row + i) + column;
        if (!p->adding) __builtin_memset(y, 0, columns * sizeof(float));
        if (p->bias) dseg_rows->add_scaled(p->bias + column, 1.0f, y, columns);
    }
}

/// c <- c + the pairs' product, of c's first `columns` columns.
static void multiply_pairs(const dseg_pair_product *p, size_t columns) {
    if (columns == dseg_panel_width) {
        dseg_pairs->product(p);
        return;
    }
    for (size_t row = 0; row < p->rows; row++) {
        float c[dseg_panel_width] = {0}, *y = p->c + row * p->c_stride;
        __builtin_memcpy(c, y, columns * sizeof(float));
        dseg_pairs->product(&(dseg_pair_product){.rows = 1, .pairs = p->pairs, .x = p->x + row * p->x_stride,
                                                 .panel = p->panel, .c = c});
        __builtin_memcpy(y, c, columns * sizeof(float));
    }
}

static void pairs_task(void *context, size_t task, size_t thread) {
    (void)thread;
    const product *p = context;
    extent e = extent_of(p, task);
    uint32_t x[task_rows * block / 2];
    size_t pairs = dseg_parts(p->w.inputs, 2);
    begin(p, e);
    for (size_t input = 0; input < p->w.inputs; input += block) {
        size_t count = dseg_least(block, p->w.inputs - input);
        for (size_t i = 0; i < e.rows; i++) {
            uint16_t *halves = (uint16_t *)(x + i * block / 2);
            dseg_pairs->narrow(dseg_row(p->x, e.row + i) + input, halves, count);
            if (count % 2) halves[count] = 0;
        }
        for (size_t panel = e.panel; panel < e.end; panel++) {
            size_t column = panel * dseg_panel_width;
            multiply_pairs(
                &(dseg_pair_product){
                    .rows = e.rows, .pairs = dseg_parts(count, 2), .x = x, .x_stride = block / 2,
                    .panel = (const uint32_t *)p->w.base + (panel * pairs + input / 2) * dseg_panel_width,
                    .c = dseg_row(p->y, e.row) + column, .c_stride = p->y.stride},
                dseg_least(dseg_panel_width, p->y.columns - column));
        }
    }
}

static void run(product p) {
    if (p.y.rows == 0 || p.y.columns == 0) return;
    size_t panels = dseg_parts(p.y.columns, dseg_panel_width), row_tasks = dseg_parts(p.y.rows, task_rows);
    p.panels = dseg_parts(panels, dseg_least(panels, dseg_parts(48, row_tasks)));     // 48 tasks, if there are
    p.column_tasks = dseg_parts(panels, p.panels);
    dseg_parallel(row_tasks * p.column_tasks, p.w.number == dseg_bf16_pairs ? pairs_task : product_task, &p);
}

void dseg_linear(dseg_matrix x, dseg_panels w, const float *bias, dseg_matrix y, bool adding) {
    run((product){.x = x, .y = y, .w = w, .bias = bias, .adding = adding});
}

size_t dseg_gathering_scratch(void) { return dseg_threads() * task_rows * block; }

void dseg_gathered_convolution(dseg_matrix x, dseg_window window, dseg_panels w, const float *bias, dseg_matrix y,
                               bool adding, float *scratch) {
    run((product){.x = x, .y = y, .w = w, .bias = bias, .adding = adding, .window = window, .scratch = scratch});
}
