// Shared by the files of Winograd convolutions: winograd_f32.c and winograd_int16.c call winograd.c.
#ifndef DSEG_WINOGRAD_H
#define DSEG_WINOGRAD_H

#include "internal.h"

/// Outputs along a side of a tile.
enum { dseg_tile_side = 4 };
/// Padding after a frequency, a cache line: frequencies a multiple of a page apart would alias, that is share a few
/// sets of the cache.
enum { dseg_frequency_gap = 16 };

/// A convolution, and the block of tiles that is computed. With a fused group norm, the rows of pixels that a block
/// reads are first normalised into scratch: they are in the cache when tiles read them, and their stride is no multiple
/// of a page.
typedef struct {
    dseg_matrix x, y;
    const dseg_gains *gains;  // NULL: x is read as it is
    dseg_window window;
    const float *bias;
    bool adding;
    float *rows;                        // scratch for normalised rows of pixels
    size_t tiles_across, first, tiles;  // of the block
    size_t first_row;                   // the first row of pixels that is normalised
} dseg_tiling;

static inline size_t dseg_tiles_across(dseg_window w) { return dseg_parts(w.out_width, dseg_tile_side); }
static inline size_t dseg_tiles_of(dseg_window w) {
    return dseg_tiles_across(w) * dseg_parts(w.out_height, dseg_tile_side);
}

/// Floats of the normalised rows of pixels that a block of `tiles` reads.
size_t dseg_tiling_scratch(dseg_window window, size_t inputs, size_t tiles);
/// Goes to the block of at most `tiles` tiles from `first` on, and normalises what it reads; false behind the last.
bool dseg_next_block(dseg_tiling *tiling, size_t first, size_t tiles);
/// Tiles that a task visits: neighbours share two columns of inputs.
enum { dseg_run_tiles = 8 };
/// What is done with a tile of the block, given its pixels [36]: its inputs, NULL in the padding.
typedef void (*dseg_visit)(void *context, size_t tile, size_t thread, const float *const *pixels);
/// Visits a task's tiles of the block, each while the next one's inputs are fetched.
void dseg_visit_tiles(const dseg_tiling *tiling, size_t task, size_t thread, dseg_visit visit, void *context);
/// Where sixteen channels of a tile's outputs go, from `column` on: to y, or where they must be cropped to
/// cropped [4, 4, 16].
dseg_outputs dseg_outputs_of(const dseg_tiling *tiling, size_t tile, size_t column, float *cropped);
/// y ← what of the cropped outputs is on the map.
void dseg_store_cropped(const dseg_tiling *tiling, size_t tile, size_t column, const float *cropped);

#endif
