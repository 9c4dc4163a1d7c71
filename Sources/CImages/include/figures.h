#ifndef DSEG_FIGURES_H
#define DSEG_FIGURES_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// Pages of figures: RGB of eight bits a sample, [height, width, 3]. What would lie outside of a page is left out.

// -- captions.c

/// The cell of a glyph of one column, in pixels.
#define DSEG_CELL_WIDTH 6
#define DSEG_CELL_HEIGHT 13

/// Columns of a code point: 1 where the font has it. Otherwise it is drawn as a box that its hexadecimal digits are cut
/// out of, of 2 columns up to U+FFFF and of 3 above.
size_t dseg_glyph_columns(uint32_t code);

/// Draws glyphs beside each other; their ground is left as it is.
///
/// codes   [count]
/// left    of the first cell, and top, may lie outside of the page
/// scale   pixels of the page a pixel of a glyph, not 0
/// colour  [3]
void dseg_draw_text(const uint32_t *codes, size_t count, ptrdiff_t left, ptrdiff_t top, size_t scale,
                    const uint8_t *colour, uint8_t *page, size_t width, size_t height);

// -- panels.c

/// A part of a page. No side is 0.
typedef struct dseg_place {
    size_t left, top, width, height;
} dseg_place;

/// Paints a part of a page in one colour.
///
/// colour  [3]
void dseg_fill(dseg_place place, const uint8_t *colour, uint8_t *page, size_t width, size_t height);

/// Draws a picture as large as a part of a page: pixel i of n shows the picture's pixel floor((2i + 1) count / 2n), the
/// one that its middle lies in.
///
/// rgb  [rows, columns, 3]
void dseg_put(const uint8_t *rgb, size_t columns, size_t rows, dseg_place place, uint8_t *page, size_t width,
              size_t height);

/// The colour of each index.
///
/// indices  [count]
/// palette  [256, 3]
/// rgb      [count, 3]
void dseg_colour(const uint8_t *indices, size_t count, const uint8_t *palette, uint8_t *rgb);

#pragma clang assume_nonnull end

#endif
