// Winograd convolutions, F(4x4, 3x3): a quarter of the multiplications of im2col (transforms: winograd-inl.h).
//
// A block of tiles is transformed for all inputs; then each task takes one panel of outputs through all inputs, so that
// the transformed weights of a piece of inputs stay in the L2 cache and are never stored:
//
//     x ->  v [pieces][36][tiles, piece]         each task for some tiles
//     w ->  u [36][piece, 16]                    each task for its panel, piece by piece
//     v, u -> m [groups][36][16 tiles, 16] -> y  36 products for each piece and group, then the outputs' transform
//
// A group is the sixteen tiles of one product: their 36 frequencies lie together (36 KiB), as the outputs' transform
// reads them.
//
// In fixed point v and u are integers in pairs, and m is the exact sum of their products: a tile has a scale for each
// frequency of all its inputs, and so has an output. v takes half the memory, so a block has more tiles.
//
// With a fused group norm, the rows of pixels that a block reads are first normalised into scratch: they are in the
// cache when tiles read them, and their stride is no multiple of a page.
#include "internal.h"

enum { frequencies = dseg_frequencies, side = 4 };
/// Tiles of a block: so many that transforming the weights for each block costs a few percent.
enum { block_tiles = 64, fixed_block_tiles = 256 };
/// Inputs of a piece: u and m together fit the L2 cache.
enum { piece = 128 };
/// Padding after a frequency, a cache line: frequencies a multiple of a page apart would alias, that is share a few
/// sets of the cache.
enum { gap = 16 };
/// Stride of the frequencies of u, in numbers of 4 bytes.
enum { u_stride = piece * dseg_panel_width + gap, fixed_u_stride = piece / 2 * dseg_panel_width + gap };
/// Tiles of a group, and the numbers of m that a frequency and all frequencies of it take.
enum { group_tiles = 16, m_frequency = group_tiles * dseg_panel_width, m_group = frequencies * m_frequency };
/// Scales of a panel's transformed weights.
enum { panel_scales = frequencies * dseg_panel_width };

/// Offsets in the scratch, in numbers of 4 bytes: `thread` for u and m of each thread, v, its scales, normalised rows.
typedef struct {
    size_t tiles;  // of a block, at most
    size_t thread, v_stride;
    size_t v, scales, rows, row_stride, end;
} layout;

static layout layout_of(dseg_window window, size_t inputs, bool fixed) {
    size_t across = dseg_parts(window.out_width, side), tiles = across * dseg_parts(window.out_height, side);
    layout l = {.tiles = dseg_least(fixed ? fixed_block_tiles : block_tiles, tiles)};
    l.v_stride = l.tiles * (fixed ? piece / 2 : piece) + gap;
    l.thread = frequencies * (fixed ? fixed_u_stride : u_stride) + dseg_parts(l.tiles, group_tiles) * m_group;
    size_t transform = frequencies * dseg_parts(inputs, dseg_panel_width) * dseg_panel_width;
    if (fixed && transform > l.thread) l.thread = transform;
    l.v = dseg_threads() * l.thread;
    l.scales = l.v + dseg_parts(inputs, piece) * frequencies * l.v_stride;
    l.rows = l.scales + (fixed ? l.tiles * frequencies : 0);
    l.row_stride = window.width * inputs + gap;
    size_t rows = dseg_least((dseg_parts(l.tiles, across) + 1) * side + 2, window.height);
    l.end = l.rows + rows * l.row_stride;
    return l;
}

typedef struct {
    dseg_matrix x, y;
    const dseg_gains *gains;  // NULL: x is read as it is
    dseg_window window;
    dseg_panels w;
    const float *bias;
    bool adding;
    layout layout;
    float *scratch;
    size_t tiles_across, first, tiles;  // of the block
    size_t first_row;                   // the first row of pixels that is normalised
} winograd;

/// The row of pixels of x under row `top` of the padded input.
static size_t source_row(const winograd *p, size_t top) {
    size_t scale = p->window.doubled ? 2 : 1, before = p->window.before;
    return dseg_least(top > before ? top - before : 0, p->window.height * scale - 1) / scale;
}

static size_t rows_of_block(const winograd *p) {
    size_t last = (p->first + p->tiles - 1) / p->tiles_across * side + side + 1;
    return source_row(p, last) + 1 - p->first_row;
}

static void normalize_task(void *context, size_t task, size_t thread) {
    (void)thread;
    const winograd *p = context;
    float *y = p->scratch + p->layout.rows + task * p->layout.row_stride;
    for (size_t i = 0; i < p->window.width; i++)
        dseg_simd->normalize(dseg_row(p->x, (p->first_row + task) * p->window.width + i), p->gains->gain,
                             p->gains->shift, y + i * p->x.columns, p->x.columns, true);
}

/// The 36 inputs of a tile, NULL in the padding.
static void find_pixels(const winograd *p, size_t tile, const float *pixels[]) {
    size_t top = tile / p->tiles_across * side, left = tile % p->tiles_across * side;
    size_t scale = p->window.doubled ? 2 : 1;
    const float *rows = p->scratch + p->layout.rows;
    for (size_t i = 0; i < frequencies; i++) {
        size_t y = top + i / 6 - p->window.before, x = left + i % 6 - p->window.before;  // unsigned: -1 wraps
        bool inside = y < p->window.height * scale && x < p->window.width * scale;
        pixels[i] = !inside    ? NULL
                    : p->gains ? rows + (y / scale - p->first_row) * p->layout.row_stride + x / scale * p->x.columns
                               : dseg_row(p->x, y / scale * p->window.width + x / scale);
    }
}

/// Prefetches the four new columns: the tile on the left has read the other two.
static void prefetch(const float *const *pixels, size_t inputs) {
    for (size_t i = 0; i < frequencies; i++)
        for (size_t input = 0; i % 6 > 1 && pixels[i] && input < inputs; input += dseg_panel_width)
            __builtin_prefetch(pixels[i] + input);
}

/// Tiles side by side that a task transforms: neighbours share two columns of inputs.
enum { run = 8 };

static void inputs_task(void *context, size_t task, size_t thread) {
    const winograd *p = context;
    size_t end = dseg_least((task + 1) * run, p->tiles), stride = p->layout.v_stride, inputs = p->x.columns;
    const float *pixels[2][frequencies];  // double buffer: this tile and the next
    find_pixels(p, p->first + task * run, pixels[task * run % 2]);
    for (size_t tile = task * run; tile < end; tile++) {
        const float *const *now = pixels[tile % 2];
        if (tile + 1 < end) {
            find_pixels(p, p->first + tile + 1, pixels[(tile + 1) % 2]);
            prefetch(pixels[(tile + 1) % 2], inputs);
        }
        float *v = p->scratch + p->layout.v;
        if (p->w.scales) {
            dseg_simd->winograd_inputs_int16(now, inputs, piece, p->scratch + thread * p->layout.thread,
                                             (int16_t *)(v + tile * piece / 2), 2 * stride,
                                             p->scratch + p->layout.scales + tile * frequencies);
            continue;
        }
        v += tile * piece;
        for (size_t input = 0; input < inputs; input += piece, v += frequencies * stride)
            dseg_simd->winograd_inputs(now, input, dseg_least(piece, inputs - input), v, stride);
    }
}

static void transform_outputs(const winograd *p, size_t panel, size_t tile, const float *m, dseg_outputs to) {
    m += tile / group_tiles * m_group + tile % group_tiles * dseg_panel_width;
    if (p->w.scales)
        dseg_simd->winograd_outputs_int16((const int32_t *)m, m_frequency,
                                          p->scratch + p->layout.scales + tile * frequencies,
                                          p->w.scales + panel * panel_scales, &to);
    else dseg_simd->winograd_outputs(m, m_frequency, &to);
}

/// y ← a tile's outputs, cropped to the map.
static void store_outputs(const winograd *p, size_t panel, size_t tile, const float *m) {
    size_t top = (p->first + tile) / p->tiles_across * side, left = (p->first + tile) % p->tiles_across * side;
    size_t column = panel * dseg_panel_width, columns = dseg_least(dseg_panel_width, p->y.columns - column);
    size_t width = p->window.out_width, step = p->y.stride;
    float *y = dseg_row(p->y, top * width + left) + column;
    const float *bias = p->bias ? p->bias + column : NULL;
    if (top + side <= p->window.out_height && left + side <= width && columns == dseg_panel_width) {
        transform_outputs(p, panel, tile, m, (dseg_outputs){bias, y, step, width * step, p->adding});
        return;
    }
    float outputs[side * side * dseg_panel_width];
    transform_outputs(p, panel, tile, m,
                      (dseg_outputs){.y = outputs, .step = dseg_panel_width, .row_step = side * dseg_panel_width});
    for (size_t i = 0; i < side * side; i++) {
        if (top + i / side >= p->window.out_height || left + i % side >= width) continue;
        float *to = y + (i / side * width + i % side) * step;
        if (!p->adding) __builtin_memset(to, 0, columns * sizeof(float));
        dseg_simd->add_scaled(outputs + i * dseg_panel_width, 1.0f, to, columns);
        if (bias) dseg_simd->add_scaled(bias, 1.0f, to, columns);
    }
}

/// m ← the products of a panel with the first piece of inputs, m ← m + those with a later piece; in f32.
static void multiply(const winograd *p, size_t panel, size_t input, size_t count, float *u, float *m) {
    dseg_kernels kernels = dseg_kernels_of(p->w, panel, input, count);
    dseg_simd->winograd_weights(&kernels, u, u_stride);
    const float *v = p->scratch + p->layout.v + input / piece * frequencies * p->layout.v_stride;
    for (size_t i = 0; i < frequencies; i++)
        for (size_t tile = 0; tile < p->tiles; tile += group_tiles)
            dseg_simd->gemm_f32(&(dseg_product){.rows = dseg_least(group_tiles, p->tiles - tile),
                                                .inputs = count,
                                                .x = v + i * p->layout.v_stride + tile * piece,
                                                .x_stride = piece,
                                                .panel = u + i * u_stride,
                                                .c = m + tile / group_tiles * m_group + i * m_frequency,
                                                .c_stride = dseg_panel_width,
                                                .adding = input > 0});
}

/// The same in fixed point; factors [36, 16] quantize the transformed weights.
static void multiply_fixed(const winograd *p, size_t panel, size_t input, size_t count, const float *factors,
                           int32_t *u, int32_t *m) {
    dseg_kernels kernels = dseg_kernels_of(p->w, panel, input, count);
    dseg_simd->winograd_weights_int16(&kernels, factors, u, fixed_u_stride);
    const int32_t *v = (const int32_t *)p->scratch + p->layout.v + input / piece * frequencies * p->layout.v_stride;
    for (size_t i = 0; i < frequencies; i++)
        for (size_t tile = 0; tile < p->tiles; tile += group_tiles)
            dseg_simd->gemm_int16(&(dseg_pair_product){.rows = dseg_least(group_tiles, p->tiles - tile),
                                                       .pairs = dseg_parts(count, 2),
                                                       .x = v + i * p->layout.v_stride + tile * piece / 2,
                                                       .x_stride = piece / 2,
                                                       .panel = u + i * fixed_u_stride,
                                                       .c = m + tile / group_tiles * m_group + i * m_frequency,
                                                       .adding = input > 0});
}

static void panel_task(void *context, size_t panel, size_t thread) {
    const winograd *p = context;
    const float *scales = p->w.scales ? p->w.scales + panel * panel_scales : NULL;
    float *u = p->scratch + thread * p->layout.thread, factors[panel_scales];
    float *m = u + frequencies * (scales ? fixed_u_stride : u_stride);
    for (size_t i = 0; scales && i < panel_scales; i++) factors[i] = scales[i] > 0.0f ? 1.0f / scales[i] : 0.0f;
    for (size_t input = 0; input < p->x.columns; input += piece) {
        size_t count = dseg_least(piece, p->x.columns - input);
        scales ? multiply_fixed(p, panel, input, count, factors, (int32_t *)u, (int32_t *)m)
               : multiply(p, panel, input, count, u, m);
    }
    for (size_t tile = 0; tile < p->tiles; tile++) store_outputs(p, panel, tile, m);
}

size_t dseg_winograd_scratch(dseg_window window, size_t inputs) {
    size_t stored = layout_of(window, inputs, false).end, fixed = layout_of(window, inputs, true).end;
    return stored > fixed ? stored : fixed;
}

void dseg_winograd_convolution(dseg_matrix x, const dseg_gains *gains, dseg_window window, dseg_panels w,
                               const float *bias, dseg_matrix y, bool adding, float *scratch) {
    winograd p = {.x = x,
                  .y = y,
                  .gains = gains,
                  .window = window,
                  .w = w,
                  .bias = bias,
                  .adding = adding,
                  .scratch = scratch,
                  .layout = layout_of(window, x.columns, w.scales != NULL)};
    p.tiles_across = dseg_parts(window.out_width, side);
    size_t tiles = p.tiles_across * dseg_parts(window.out_height, side);
    for (; p.first < tiles; p.first += p.layout.tiles) {
        p.tiles = dseg_least(p.layout.tiles, tiles - p.first);
        p.first_row = source_row(&p, p.first / p.tiles_across * side);
        if (gains) dseg_parallel(rows_of_block(&p), normalize_task, &p);
        dseg_parallel(dseg_parts(p.tiles, run), inputs_task, &p);
        dseg_parallel(dseg_parts(p.y.columns, dseg_panel_width), panel_task, &p);
    }
}
