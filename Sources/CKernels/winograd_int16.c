// Winograd convolutions in fixed point.
//
// A block of tiles is transformed for all inputs; then each task takes one panel of outputs through all inputs, so that
// the transformed weights of a piece of inputs stay in the L2 cache and are never stored:
//
//     x ->  v [pieces][36][tiles, piece]         each task for some tiles
//     w ->  u [36][piece, 16]                    each task for its panel, piece by piece
//     v, u -> m [groups][36][16 tiles, 16] -> y  36 products for each piece and group, then the outputs' transform
//
// A group is the sixteen tiles of one product: their 36 frequencies lie together (36 KiB), as the outputs' transform
// reads them. v and u are integers in pairs, and m is the exact sum of their products: a tile has a scale for each
// frequency of all its inputs, and so has an output.
#include "winograd.h"

enum { frequencies = dseg_frequencies };
/// Tiles of a block: so many that transforming the weights for each block costs a few percent.
enum { block_tiles = 256 };
/// Inputs of a piece: u and m together fit the L2 cache.
enum { piece = 128 };
/// Stride of the frequencies of u, in numbers of 4 bytes.
enum { u_stride = piece / 2 * dseg_panel_width + dseg_frequency_gap };
/// Tiles of a group, and the numbers of m that a frequency and all frequencies of it take.
enum { group_tiles = 16, m_frequency = group_tiles * dseg_panel_width, m_group = frequencies * m_frequency };
/// Scales of a panel's transformed weights.
enum { panel_scales = frequencies * dseg_panel_width };

/// Offsets in the scratch, in numbers of 4 bytes: `thread` for u and m of each thread, v, its scales, normalised rows.
typedef struct {
    size_t tiles;  // of a block, at most
    size_t thread, v_stride;
    size_t v, scales, rows, end;
} layout;

static layout layout_of(dseg_window window, size_t inputs) {
    layout l = {.tiles = dseg_least(block_tiles, dseg_tiles_of(window))};
    l.v_stride = l.tiles * piece / 2 + dseg_frequency_gap;
    l.thread = frequencies * u_stride + dseg_parts(l.tiles, group_tiles) * m_group;
    size_t transform = frequencies * dseg_padded(inputs);
    l.thread = dseg_greatest(l.thread, transform);
    l.v = dseg_threads() * l.thread;
    l.scales = l.v + dseg_parts(inputs, piece) * frequencies * l.v_stride;
    l.rows = l.scales + l.tiles * frequencies;
    l.end = l.rows + dseg_tiling_scratch(window, inputs, l.tiles);
    return l;
}

typedef struct {
    dseg_tiling tiling;
    dseg_panels w;
    layout layout;
    float *scratch;
} convolution;

static void transform_inputs(void *context, size_t tile, size_t thread, const float *const *pixels) {
    const convolution *c = context;
    int16_t *v = (int16_t *)(c->scratch + c->layout.v + tile * piece / 2);
    dseg_simd->winograd_inputs_int16(pixels, c->tiling.x.columns, piece, c->scratch + thread * c->layout.thread, v,
                                     2 * c->layout.v_stride, c->scratch + c->layout.scales + tile * frequencies);
}

static void inputs_task(void *context, size_t task, size_t thread) {
    const convolution *c = context;
    dseg_visit_tiles(&c->tiling, task, thread, transform_inputs, context);
}

/// m ← the products of a panel with the first piece of inputs, m ← m + those with a later piece; factors [36, 16]
/// quantize the transformed weights.
static void multiply(const convolution *c, size_t panel, size_t input, size_t count, const float *factors, int32_t *u,
                     int32_t *m) {
    dseg_kernels kernels = dseg_kernels_of(c->w, panel, input, count);
    dseg_simd->winograd_weights_int16(&kernels, factors, u, u_stride);
    size_t stride = c->layout.v_stride;
    const int32_t *v = (const int32_t *)c->scratch + c->layout.v + input / piece * frequencies * stride;
    for (size_t i = 0; i < frequencies; i++)
        for (size_t tile = 0; tile < c->tiling.tiles; tile += group_tiles)
            dseg_simd->gemm_int16(&(dseg_pair_product){.rows = dseg_least(group_tiles, c->tiling.tiles - tile),
                                                       .pairs = dseg_parts(count, 2),
                                                       .x = v + i * stride + tile * piece / 2,
                                                       .x_stride = piece / 2,
                                                       .panel = u + i * u_stride,
                                                       .c = m + tile / group_tiles * m_group + i * m_frequency,
                                                       .adding = input > 0});
}

static void panel_task(void *context, size_t panel, size_t thread) {
    const convolution *c = context;
    const float *scales = c->w.scales + panel * panel_scales;
    int32_t *u = (int32_t *)c->scratch + thread * c->layout.thread, *m = u + frequencies * u_stride;
    float factors[panel_scales], cropped[16 * dseg_panel_width];
    for (size_t i = 0; i < panel_scales; i++) factors[i] = scales[i] > 0.0f ? 1.0f / scales[i] : 0.0f;
    for (size_t input = 0; input < c->tiling.x.columns; input += piece)
        multiply(c, panel, input, dseg_least(piece, c->tiling.x.columns - input), factors, u, m);
    for (size_t tile = 0; tile < c->tiling.tiles; tile++) {
        dseg_outputs to = dseg_outputs_of(&c->tiling, tile, panel * dseg_panel_width, cropped);
        dseg_simd->winograd_outputs_int16(m + tile / group_tiles * m_group + tile % group_tiles * dseg_panel_width,
                                          m_frequency, c->scratch + c->layout.scales + tile * frequencies, scales, &to);
        if (to.y == cropped) dseg_store_cropped(&c->tiling, tile, panel * dseg_panel_width, cropped);
    }
}

size_t dseg_winograd_fixed_scratch(dseg_window window, size_t inputs) { return layout_of(window, inputs).end; }

void dseg_winograd_fixed_convolution(dseg_matrix x, const dseg_gains *gains, dseg_window window, dseg_panels w,
                                     const float *bias, dseg_matrix y, bool adding, float *scratch) {
    layout l = layout_of(window, x.columns);
    convolution c = {.w = w, .layout = l, .scratch = scratch};
    c.tiling = (dseg_tiling){
        .x = x, .y = y, .gains = gains, .window = window, .bias = bias, .adding = adding, .rows = scratch + l.rows};
    for (size_t tile = 0; dseg_next_block(&c.tiling, tile, l.tiles); tile += l.tiles) {
        dseg_parallel(dseg_parts(c.tiling.tiles, dseg_run_tiles), inputs_task, &c);
        dseg_parallel(dseg_parts(y.columns, dseg_panel_width), panel_task, &c);
    }
}
