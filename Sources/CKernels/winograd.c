// 3 x 3 convolutions by Winograd's F(4x4, 3x3) (tiles.h): a quarter of the products.
//
// A block of tiles is transformed for all inputs; then each task takes one panel of outputs through all inputs, so that
// the transformed weights of a piece of inputs stay in the second-level cache and are never stored:
//
//     x ->  v [pieces][36][tiles, piece]         one task for each tile
//     w ->  u [36][piece, 16]                    each task for its panel, piece by piece
//     v, u -> m [36][tiles, 16] -> y             36 products for each piece, then the outputs' transform
#include "internal.h"

enum { frequencies = 36, side = 4 };
/// Tiles of a block: enough that transforming the weights anew for each costs a few hundredths.
enum { block_tiles = 64 };

/// Inputs whose weights are widened together: they fit a first-level cache.
enum { spoon = 16 };
/// Inputs of a piece: u and m together fit a second-level cache.
enum { piece = 64 };

typedef struct {
    dseg_matrix x, y;
    dseg_window window;
    dseg_panels w;
    const float *bias;
    bool adding;
    size_t inputs, tiles_across, first, tiles;   // of the block
    float *v, *scratch;                          // u and m of each thread
} winograd;

/// Floats from one frequency to the next: a cache line more than the numbers take, since 36 stores at multiples of a
/// page would all fall into the same few lines of a cache.
enum { gap = 16, u_stride = piece * dseg_panel_width + gap };
static size_t v_stride_of(size_t tiles) { return tiles * piece + gap; }
static size_t m_stride_of(size_t tiles) { return tiles * dseg_panel_width + gap; }
enum { task_floats = frequencies * (u_stride + block_tiles * dseg_panel_width + gap) };

static void inputs_task(void *context, size_t task, size_t thread) {
    (void)thread;
    const winograd *p = context;
    size_t tile = p->first + task, scale = p->window.doubled ? 2 : 1;
    size_t top = tile / p->tiles_across * side, left = tile % p->tiles_across * side;
    const float *pixels[frequencies];
    for (size_t i = 0; i < frequencies; i++) {
        size_t y = top + i / 6 - p->window.before, x = left + i % 6 - p->window.before;     // wrap below zero
        bool inside = y < p->window.height * scale && x < p->window.width * scale;
        pixels[i] = inside ? dseg_row(p->x, y / scale * p->window.width + x / scale) : NULL;
    }
    size_t stride = v_stride_of(p->tiles);
    float *v = p->v + task * piece;
    for (size_t input = 0; input < p->inputs; input += piece, v += frequencies * stride)
        dseg_tiles->winograd_inputs(pixels, input, dseg_least(piece, p->inputs - input), v, stride);
}

/// y <- a tile's outputs, as many as the map has.
static void put(const winograd *p, size_t tile, const float *m, size_t stride, size_t column, size_t columns) {
    size_t top = tile / p->tiles_across * side, left = tile % p->tiles_across * side;
    size_t width = p->window.out_width, step = p->y.stride;
    float *y = dseg_row(p->y, top * width + left) + column;
    const float *bias = p->bias ? p->bias + column : NULL;
    if (top + side <= p->window.out_height && left + side <= width && columns == dseg_panel_width) {
        dseg_tiles->winograd_outputs(m, stride, bias, y, step, width * step, p->adding);
        return;
    }
    float outputs[side * side * dseg_panel_width];
    dseg_tiles->winograd_outputs(m, stride, NULL, outputs, dseg_panel_width, side * dseg_panel_width, false);
    for (size_t i = 0; i < side * side; i++) {
        if (top + i / side >= p->window.out_height || left + i % side >= width) continue;
        float *to = y + (i / side * width + i % side) * step;
        if (!p->adding) __builtin_memset(to, 0, columns * sizeof(float));
        dseg_rows->add_scaled(outputs + i * dseg_panel_width, 1.0f, to, columns);
        if (bias) dseg_rows->add_scaled(bias, 1.0f, to, columns);
    }
}

/// u <- the transform of a panel's weights for a few inputs.
static void weights_of(const winograd *p, size_t panel, size_t input, size_t count, float *u) {
    float widened[9 * spoon * dseg_panel_width];
    for (size_t i = 0; i < 9; i++) {
        float *to = widened + i * spoon * dseg_panel_width;
        const float *from = dseg_widened_panel(p->w, panel, i * p->inputs + input, count, to);
        if (from != to) __builtin_memcpy(to, from, count * dseg_panel_width * sizeof(float));
    }
    dseg_tiles->winograd_weights(widened, spoon * dseg_panel_width, count, u, u_stride);
}

static void panel_task(void *context, size_t panel, size_t thread) {
    const winograd *p = context;
    float *u = p->scratch + thread * task_floats;
    float *m = u + frequencies * u_stride;
    size_t v_stride = v_stride_of(p->tiles), m_stride = m_stride_of(p->tiles);
    const float *v = p->v;
    for (size_t input = 0; input < p->inputs; input += piece, v += frequencies * v_stride) {
        size_t count = dseg_least(piece, p->inputs - input);
        for (size_t i = 0; i < count; i += spoon)
            weights_of(p, panel, input + i, dseg_least(spoon, count - i), u + i * dseg_panel_width);
        for (size_t i = 0; i < frequencies; i++)
            dseg_tiles->product(&(dseg_product){
                .rows = p->tiles, .inputs = count, .x = v + i * v_stride, .x_stride = piece,
                .panel = u + i * u_stride, .c = m + i * m_stride, .c_stride = dseg_panel_width,
                .adding = input > 0});
    }
    size_t column = panel * dseg_panel_width, columns = dseg_least(dseg_panel_width, p->y.columns - column);
    for (size_t tile = 0; tile < p->tiles; tile++)
        put(p, p->first + tile, m + tile * dseg_panel_width, m_stride, column, columns);
}

static size_t tiles_of(dseg_window w) { return dseg_parts(w.out_height, side) * dseg_parts(w.out_width, side); }

size_t dseg_winograd_scratch(dseg_window window, size_t inputs) {
    size_t tiles = dseg_least(block_tiles, tiles_of(window));
    return dseg_threads() * task_floats + frequencies * dseg_parts(inputs, piece) * v_stride_of(tiles);
}

void dseg_winograd_convolution(dseg_matrix x, dseg_window window, dseg_panels w, const float *bias, dseg_matrix y,
                               bool adding, float *scratch) {
    winograd p = {.x = x, .y = y, .window = window, .w = w, .bias = bias, .adding = adding, .inputs = x.columns,
                  .tiles_across = dseg_parts(window.out_width, side), .scratch = scratch};
    p.v = scratch + dseg_threads() * task_floats;
    size_t tiles = tiles_of(window);
    for (; p.first < tiles; p.first += block_tiles) {
        p.tiles = dseg_least(block_tiles, tiles - p.first);
        dseg_parallel(p.tiles, inputs_task, &p);
        dseg_parallel(dseg_parts(p.y.columns, dseg_panel_width), panel_task, &p);
    }
}
