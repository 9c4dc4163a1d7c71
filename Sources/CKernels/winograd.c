// What Winograd convolutions, F(4x4, 3x3), have in common: which pixels a tile reads, and where its outputs go. They
// take a quarter of the multiplications of im2col (transforms: winograd-inl.h).
#include "winograd.h"

enum { side = dseg_tile_side, gap = 16 };

static size_t row_stride(dseg_window window, size_t inputs) { return window.width * inputs + gap; }

/// The row of pixels of x under row `top` of the padded input.
static size_t source_row(dseg_window w, size_t top) {
    size_t scale = w.doubled ? 2 : 1;
    return dseg_least(top > w.before ? top - w.before : 0, w.height * scale - 1) / scale;
}

size_t dseg_tiling_scratch(dseg_window window, size_t inputs, size_t tiles) {
    size_t rows = (dseg_parts(tiles, dseg_tiles_across(window)) + 1) * side + 2;
    return dseg_least(rows, window.height) * row_stride(window, inputs);
}

static void normalize_task(void *context, size_t task, size_t thread) {
    (void)thread;
    const dseg_tiling *t = context;
    float *y = t->rows + task * row_stride(t->window, t->x.columns);
    for (size_t i = 0; i < t->window.width; i++)
        dseg_simd->normalize(dseg_row(t->x, (t->first_row + task) * t->window.width + i), t->gains->gain,
                             t->gains->shift, y + i * t->x.columns, t->x.columns, true);
}

bool dseg_next_block(dseg_tiling *t, size_t first, size_t tiles) {
    size_t all = dseg_tiles_of(t->window);
    if (first >= all) return false;
    t->tiles_across = dseg_tiles_across(t->window);
    t->first = first;
    t->tiles = dseg_least(tiles, all - first);
    t->first_row = source_row(t->window, first / t->tiles_across * side);
    size_t last = source_row(t->window, (first + t->tiles - 1) / t->tiles_across * side + side + 1);
    if (t->gains) dseg_parallel(last + 1 - t->first_row, normalize_task, t);
    return true;
}

/// pixels [36] ← the inputs of a tile of the block, NULL in the padding.
static void find_pixels(const dseg_tiling *t, size_t tile, const float *pixels[]) {
    size_t top = (t->first + tile) / t->tiles_across * side, left = (t->first + tile) % t->tiles_across * side;
    size_t scale = t->window.doubled ? 2 : 1, stride = row_stride(t->window, t->x.columns);
    for (size_t i = 0; i < dseg_frequencies; i++) {
        size_t y = top + i / 6 - t->window.before, x = left + i % 6 - t->window.before;  // unsigned: -1 wraps
        bool inside = y < t->window.height * scale && x < t->window.width * scale;
        pixels[i] = !inside    ? NULL
                    : t->gains ? t->rows + (y / scale - t->first_row) * stride + x / scale * t->x.columns
                               : dseg_row(t->x, y / scale * t->window.width + x / scale);
    }
}

/// Prefetches what the tile on the left has not read.
static void prefetch(const float *const *pixels, size_t inputs) {
    for (size_t i = 0; i < dseg_frequencies; i++)
        for (size_t input = 0; i % 6 > 1 && pixels[i] && input < inputs; input += dseg_panel_width)
            __builtin_prefetch(pixels[i] + input);
}

void dseg_visit_tiles(const dseg_tiling *t, size_t task, size_t thread, dseg_visit visit, void *context) {
    size_t tile = task * dseg_run_tiles, end = dseg_least(tile + dseg_run_tiles, t->tiles);
    const float *pixels[2][dseg_frequencies];  // double buffer: this tile and the next
    find_pixels(t, tile, pixels[tile % 2]);
    for (; tile < end; tile++) {
        if (tile + 1 < end) {
            find_pixels(t, tile + 1, pixels[(tile + 1) % 2]);
            prefetch(pixels[(tile + 1) % 2], t->x.columns);
        }
        visit(context, tile, thread, pixels[tile % 2]);
    }
}

/// A tile's place on the output map, and how many of the sixteen channels from `column` on there are.
typedef struct {
    size_t top, left, columns;
    float *y;
} place;

static place place_of(const dseg_tiling *t, size_t tile, size_t column) {
    size_t top = (t->first + tile) / t->tiles_across * side, left = (t->first + tile) % t->tiles_across * side;
    return (place){top, left, dseg_least(dseg_panel_width, t->y.columns - column),
                   dseg_row(t->y, top * t->window.out_width + left) + column};
}

dseg_outputs dseg_outputs_of(const dseg_tiling *t, size_t tile, size_t column, float *cropped) {
    place p = place_of(t, tile, column);
    size_t width = t->window.out_width, step = t->y.stride;
    if (p.top + side <= t->window.out_height && p.left + side <= width && p.columns == dseg_panel_width)
        return (dseg_outputs){t->bias ? t->bias + column : NULL, p.y, step, width * step, t->adding};
    return (dseg_outputs){.y = cropped, .step = dseg_panel_width, .row_step = side * dseg_panel_width};
}

void dseg_store_cropped(const dseg_tiling *t, size_t tile, size_t column, const float *cropped) {
    place p = place_of(t, tile, column);
    for (size_t i = 0; i < side * side; i++) {
        if (p.top + i / side >= t->window.out_height || p.left + i % side >= t->window.out_width) continue;
        float *to = p.y + (i / side * t->window.out_width + i % side) * t->y.stride;
        if (!t->adding) __builtin_memset(to, 0, p.columns * sizeof(float));
        dseg_simd->add_scaled(cropped + i * dseg_panel_width, 1.0f, to, p.columns);
        if (t->bias) dseg_simd->add_scaled(t->bias + column, 1.0f, to, p.columns);
    }
}
