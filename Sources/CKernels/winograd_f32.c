// Winograd convolutions in f32: 36 products, one for each frequency.
//
//     x -> v [36][tiles, inputs]             a block of tiles
//     w -> u [36][inputs, columns]           some outputs, the columns
//     v u = m [36][tiles, columns] -> y
//
// Rows are padded to a multiple of 16. Where a block has many tiles, each step is a run of tasks for a group of
// columns, and u and m lie in the L3 cache: a product packs v once for all columns of the group. Where it has few, u
// costs the most: each task takes its columns through all steps, a piece of inputs at a time, so that u stays in its L2
// cache.
#include "winograd.h"

enum { frequencies = dseg_frequencies };
/// Tiles of a block, and how many are few.
enum { block_tiles = 256, few_tiles = 32 };
/// Columns of a task by itself. Of a group at least as many, and as many as keep u in the L3 cache.
enum { task_columns = 32, group_numbers = 64 << 10 };
/// Inputs of a piece, and those whose weights are widened together: their kernels fill the L1 cache.
enum { piece = 128, widened_inputs = 32 };

/// Sizes, and offsets in the scratch, in floats. `thread` for u and m of each thread, where tiles are few.
typedef struct {
    bool has_few_tiles;
    size_t tiles, columns, inputs;        // of a block, of a group or task, and a padded row
    size_t v_stride, u_stride, m_stride;  // of frequencies
    size_t thread, u, rows, end;
} layout;

static layout layout_of(dseg_window window, size_t inputs, size_t outputs) {
    layout l = {.tiles = dseg_least(dseg_tiles_of(window), block_tiles), .inputs = dseg_padded(inputs)};
    l.has_few_tiles = l.tiles <= few_tiles;
    size_t most = l.has_few_tiles ? task_columns : dseg_greatest(group_numbers / l.inputs, task_columns);
    l.columns = dseg_padded(dseg_parts(outputs, dseg_parts(outputs, most)));
    l.v_stride = l.tiles * l.inputs + dseg_frequency_gap;
    l.u_stride = l.columns * (l.has_few_tiles ? piece : l.inputs) + dseg_frequency_gap;
    l.m_stride = l.tiles * l.columns + dseg_frequency_gap;
    l.thread = frequencies * (l.u_stride + l.m_stride);
    l.u = frequencies * l.v_stride;
    l.rows = l.u + (l.has_few_tiles ? dseg_threads() : 1) * l.thread;
    l.end = l.rows + dseg_tiling_scratch(window, inputs, l.tiles);
    return l;
}

typedef struct {
    dseg_tiling tiling;
    dseg_weights w;
    layout layout;
    float *v, *u, *m;
    size_t column, columns;  // of the group
} convolution;

static void transform_inputs(void *context, size_t tile, size_t thread, const float *const *pixels) {
    (void)thread;
    const convolution *c = context;
    dseg_simd->winograd_inputs(pixels, c->tiling.x.columns, c->v + tile * c->layout.inputs, c->layout.v_stride);
}

static void inputs_task(void *context, size_t task, size_t thread) {
    const convolution *c = context;
    dseg_visit_tiles(&c->tiling, task, thread, transform_inputs, context);
}

/// u ← the transformed weights of a piece of inputs and sixteen columns, or what there is of them.
static void transform_weights(const convolution *c, size_t first, size_t column, float *u) {
    size_t end = dseg_least(first + piece, c->tiling.x.columns);
    size_t columns = dseg_least(dseg_panel_width, c->tiling.y.columns - column);
    float widened[dseg_panel_width * 9 * widened_inputs];
    for (size_t input = first; input < end; input += widened_inputs, u += widened_inputs * c->layout.columns) {
        size_t count = dseg_least(widened_inputs, end - input), step;
        const float *kernels = dseg_widened_rows(c->w, column, columns, 9 * input, 9 * count, widened, &step);
        dseg_simd->winograd_weights(kernels, columns, step, count, u, c->layout.columns, c->layout.u_stride);
    }
}

static void weights_task(void *context, size_t task, size_t thread) {
    (void)thread;
    const convolution *c = context;
    size_t panels = dseg_parts(c->columns, dseg_panel_width);
    size_t column = task % panels * dseg_panel_width, input = task / panels * piece;
    transform_weights(c, input, c->column + column, c->u + input * c->layout.columns + column);
}

/// m ← v u, or m ← m + v u from the second piece on, for one frequency and `count` inputs from `input` on.
static void multiply(const convolution *c, size_t frequency, size_t input, size_t count, const float *u, float *m,
                     size_t columns) {
    const layout *l = &c->layout;
    dseg_gemm_f32(&(dseg_product){.rows = c->tiling.tiles,
                                  .columns = columns,
                                  .inputs = count,
                                  .x = c->v + frequency * l->v_stride + input,
                                  .x_stride = l->inputs,
                                  .w = u + frequency * l->u_stride,
                                  .w_stride = l->columns,
                                  .c = m + frequency * l->m_stride,
                                  .c_stride = l->columns,
                                  .adding = input > 0});
}

static void product_task(void *context, size_t frequency, size_t thread) {
    (void)thread;
    const convolution *c = context;
    multiply(c, frequency, 0, c->tiling.x.columns, c->u, c->m, c->columns);
}

/// y ← the transform of m for a tile of the block and `columns` columns from `column` on.
static void store_outputs(const convolution *c, size_t tile, size_t column, size_t columns, const float *m) {
    m += tile * c->layout.columns;
    for (size_t i = 0; i < columns; i += dseg_panel_width) {
        float cropped[16 * dseg_panel_width];
        dseg_outputs to = dseg_outputs_of(&c->tiling, tile, column + i, cropped);
        dseg_simd->winograd_outputs(m + i, c->layout.m_stride, &to);
        if (to.y == cropped) dseg_store_cropped(&c->tiling, tile, column + i, cropped);
    }
}

static void outputs_task(void *context, size_t task, size_t thread) {
    (void)thread;
    const convolution *c = context;
    size_t end = dseg_least((task + 1) * dseg_run_tiles, c->tiling.tiles);
    for (size_t tile = task * dseg_run_tiles; tile < end; tile++) store_outputs(c, tile, c->column, c->columns, c->m);
}

/// All steps for the columns of a task.
static void columns_task(void *context, size_t task, size_t thread) {
    const convolution *c = context;
    size_t column = task * c->layout.columns, columns = dseg_least(c->layout.columns, c->tiling.y.columns - column);
    size_t inputs = c->tiling.x.columns;
    float *u = c->u + thread * c->layout.thread, *m = u + frequencies * c->layout.u_stride;
    for (size_t input = 0; input < inputs; input += piece) {
        for (size_t i = 0; i < columns; i += dseg_panel_width) transform_weights(c, input, column + i, u + i);
        for (size_t i = 0; i < frequencies; i++)
            multiply(c, i, input, dseg_least(piece, inputs - input), u, m, columns);
    }
    for (size_t tile = 0; tile < c->tiling.tiles; tile++) store_outputs(c, tile, column, columns, m);
}

/// All steps for all columns, group by group; u is known if it holds the weights of all.
static void run_groups(convolution *c, bool is_known) {
    size_t outputs = c->tiling.y.columns, pieces = dseg_parts(c->tiling.x.columns, piece);
    for (c->column = 0; c->column < outputs; c->column += c->layout.columns) {
        c->columns = dseg_least(c->layout.columns, outputs - c->column);
        if (!is_known) dseg_parallel(dseg_parts(c->columns, dseg_panel_width) * pieces, weights_task, c);
        dseg_parallel(frequencies, product_task, c);
        dseg_parallel(dseg_parts(c->tiling.tiles, dseg_run_tiles), outputs_task, c);
    }
}

size_t dseg_winograd_scratch(dseg_window window, size_t inputs, size_t outputs) {
    return layout_of(window, inputs, outputs).end;
}

void dseg_winograd_convolution(dseg_matrix x, const dseg_gains *gains, dseg_window window, dseg_weights w,
                               const float *bias, dseg_matrix y, bool adding, float *scratch) {
    layout l = layout_of(window, x.columns, y.columns);
    convolution c = {.w = w, .layout = l, .v = scratch, .u = scratch + l.u};
    c.m = c.u + frequencies * l.u_stride;
    c.tiling = (dseg_tiling){
        .x = x, .y = y, .gains = gains, .window = window, .bias = bias, .adding = adding, .rows = scratch + l.rows};
    for (size_t tile = 0; dseg_next_block(&c.tiling, tile, l.tiles); tile += l.tiles) {
        dseg_parallel(dseg_parts(c.tiling.tiles, dseg_run_tiles), inputs_task, &c);
        if (l.has_few_tiles) dseg_parallel(dseg_parts(y.columns, l.columns), columns_task, &c);
        else run_groups(&c, tile > 0 && l.columns >= y.columns);
    }
}
