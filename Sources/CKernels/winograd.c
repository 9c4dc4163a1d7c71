// 3 x 3 convolutions by Winograd's F(4x4, 3x3) (tiles.h): a quarter of the products.
//
// A block of tiles is transformed for all inputs; then each task takes one panel of outputs through all inputs, so that
// the transformed weights of a piece of inputs stay in the second-level cache and are never stored:
//
//     x ->  v [pieces][36][tiles, piece]         one task for each tile
//     w ->  u [36][piece, 16]                    each task for its panel, piece by piece
//     v, u -> m [36][tiles, 16] -> y             36 products for each piece, then the outputs' transform
#include "internal.h"

enum { frequencies = dseg_frequencies, side = 4 };
/// Tiles of a block: enough that transforming the weights anew for each costs a few hundredths.
enum { block_tiles = 64, fixed_block_tiles = 256 };

/// Inputs of a piece: u and m together fit a second-level cache.
enum { piece = 128 };

typedef struct {
    dseg_matrix x, y;
    dseg_window window;
    dseg_panels w;
    const float *bias;
    bool adding;
    size_t inputs, tiles_across, first, tiles;   // of the block
    float *v, *scratch;                          // u and m of each thread
    float *scales;                               // of v in fixed point, [tiles, 36]
} winograd;

/// Floats from one frequency to the next: a cache line more than the numbers take, since 36 stores at multiples of a
/// page would all fall into the same few lines of a cache.
enum { gap = 16, u_stride = piece * dseg_panel_width + gap };
static size_t v_stride_of(size_t tiles) { return tiles * piece + gap; }
static size_t m_stride_of(size_t tiles) { return tiles * dseg_panel_width + gap; }
enum { task_floats = frequencies * (u_stride + block_tiles * dseg_panel_width + gap) };

/// The same of pairs in fixed point.
enum { pairs_stride = piece / 2 * dseg_panel_width + gap };
static size_t v_pairs_stride(size_t tiles) { return tiles * (piece / 2) + gap; }
static size_t fixed_task_floats(size_t tiles, size_t inputs) {
    size_t u_and_m = frequencies * (pairs_stride + m_stride_of(tiles));
    size_t transform = frequencies * dseg_parts(inputs, dseg_panel_width) * dseg_panel_width;
    return u_and_m > transform ? u_and_m : transform;
}

/// Where a tile's inputs lie, NULL where there are none.
static void find_pixels(const winograd *p, size_t tile, const float *pixels[]) {
    size_t top = tile / p->tiles_across * side, left = tile % p->tiles_across * side;
    size_t scale = p->window.doubled ? 2 : 1;
    for (size_t i = 0; i < frequencies; i++) {
        size_t y = top + i / 6 - p->window.before, x = left + i % 6 - p->window.before;     // wrap below zero
        bool inside = y < p->window.height * scale && x < p->window.width * scale;
        pixels[i] = inside ? dseg_row(p->x, y / scale * p->window.width + x / scale) : NULL;
    }
}

/// Asks for what a tile reads and the one before it does not: its last four columns.
static void prefetch(const float *const *pixels, size_t inputs) {
    for (size_t i = 0; i < frequencies; i++)
        for (size_t input = 0; i % 6 > 1 && pixels[i] && input < inputs; input += dseg_panel_width)
            __builtin_prefetch(pixels[i] + input);
}

/// Tiles side by side that a task transforms: they share inputs.
enum { run = 8 };

static void inputs_task(void *context, size_t task, size_t thread) {
    const winograd *p = context;
    size_t end = dseg_least((task + 1) * run, p->tiles);
    const float *now[frequencies], *next[frequencies];
    find_pixels(p, p->first + task * run, now);
    for (size_t tile = task * run; tile < end; tile++) {
        find_pixels(p, p->first + tile + 1, next);
        if (tile + 1 < end) prefetch(next, p->inputs);
        if (p->w.scales) {
            dseg_pairs->winograd_inputs(now, p->inputs, piece,
                                        p->scratch + thread * fixed_task_floats(p->tiles, p->inputs),
                                        (int16_t *)((int32_t *)p->v + tile * piece / 2), 2 * v_pairs_stride(p->tiles),
                                        p->scales + tile * frequencies);
        } else {
            size_t stride = v_stride_of(p->tiles);
            float *v = p->v + tile * piece;
            for (size_t input = 0; input < p->inputs; input += piece, v += frequencies * stride)
                dseg_tiles->winograd_inputs(now, input, dseg_least(piece, p->inputs - input), v, stride);
        }
        __builtin_memcpy(now, next, sizeof now);
    }
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

static void panel_task(void *context, size_t panel, size_t thread) {
    const winograd *p = context;
    float *u = p->scratch + thread * task_floats;
    float *m = u + frequencies * u_stride;
    size_t v_stride = v_stride_of(p->tiles), m_stride = m_stride_of(p->tiles);
    const float *v = p->v;
    for (size_t input = 0; input < p->inputs; input += piece, v += frequencies * v_stride) {
        size_t count = dseg_least(piece, p->inputs - input);
        dseg_kernels kernels = dseg_kernels_of(p->w, panel, input, count);
        dseg_tiles->winograd_weights(&kernels, u, u_stride);
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

/// m <- m + the products of a piece of inputs of a panel.
static void add_piece(const winograd *p, size_t panel, size_t input, size_t count, const float *factors, int32_t *u,
                      int32_t *m) {
    size_t v_stride = v_pairs_stride(p->tiles);
    dseg_kernels kernels = dseg_kernels_of(p->w, panel, input, count);
    dseg_pairs->winograd_weights(&kernels, factors, u, pairs_stride);
    for (size_t i = 0; i < frequencies; i++)
        dseg_pairs->product(&(dseg_pair_product){
            .rows = p->tiles, .pairs = dseg_parts(count, 2),
            .x = (const int32_t *)p->v + (input / piece * frequencies + i) * v_stride, .x_stride = piece / 2,
            .panel = u + i * pairs_stride, .c = m + i * m_stride_of(p->tiles),
            .adding = input > 0});
}

static void fixed_panel_task(void *context, size_t panel, size_t thread) {
    const winograd *p = context;
    enum { numbers = frequencies * dseg_panel_width };
    int32_t *u = (int32_t *)(p->scratch + thread * fixed_task_floats(p->tiles, p->inputs));
    int32_t *m = u + frequencies * pairs_stride;
    const float *scales = p->w.scales + panel * numbers;
    float factors[numbers], released[numbers];
    for (size_t i = 0; i < numbers; i++) factors[i] = scales[i] > 0.0f ? 1.0f / scales[i] : 0.0f;
    for (size_t input = 0; input < p->inputs; input += piece)
        add_piece(p, panel, input, dseg_least(piece, p->inputs - input), factors, u, m);
    size_t column = panel * dseg_panel_width, columns = dseg_least(dseg_panel_width, p->y.columns - column);
    for (size_t tile = 0; tile < p->tiles; tile++) {
        dseg_pairs->release_frequencies(m + tile * dseg_panel_width, m_stride_of(p->tiles),
                                        p->scales + tile * frequencies, scales, released);
        put(p, p->first + tile, released, dseg_panel_width, column, columns);
    }
}

static size_t tiles_of(dseg_window w) { return dseg_parts(w.out_height, side) * dseg_parts(w.out_width, side); }

/// Floats of scratch in f32, without what each thread needs.
static size_t v_floats(size_t tiles, size_t inputs) { return frequencies * dseg_parts(inputs, piece) * v_stride_of(tiles); }
static size_t fixed_v_floats(size_t tiles, size_t inputs) {
    return frequencies * (dseg_parts(inputs, piece) * v_pairs_stride(tiles) + tiles);
}

size_t dseg_winograd_scratch(dseg_window window, size_t inputs) {
    size_t tiles = dseg_least(block_tiles, tiles_of(window)), fixed = dseg_least(fixed_block_tiles, tiles_of(window));
    size_t stored = dseg_threads() * task_floats + v_floats(tiles, inputs);
    size_t in_fixed_point = dseg_threads() * fixed_task_floats(fixed, inputs) + fixed_v_floats(fixed, inputs);
    return stored > in_fixed_point ? stored : in_fixed_point;
}

void dseg_winograd_convolution(dseg_matrix x, dseg_window window, dseg_panels w, const float *bias, dseg_matrix y,
                               bool adding, float *scratch) {
    size_t tiles = tiles_of(window), most = dseg_least(w.scales ? fixed_block_tiles : block_tiles, tiles);
    winograd p = {.x = x, .y = y, .window = window, .w = w, .bias = bias, .adding = adding, .inputs = x.columns,
                  .tiles_across = dseg_parts(window.out_width, side), .scratch = scratch};
    p.v = scratch + dseg_threads() * (w.scales ? fixed_task_floats(most, p.inputs) : task_floats);
    p.scales = p.v + fixed_v_floats(most, p.inputs) - frequencies * most;
    for (; p.first < tiles; p.first += most) {
        p.tiles = dseg_least(most, tiles - p.first);
        dseg_parallel(dseg_parts(p.tiles, run), inputs_task, &p);
        dseg_parallel(dseg_parts(p.y.columns, dseg_panel_width), w.scales ? fixed_panel_task : panel_task, &p);
    }
}
