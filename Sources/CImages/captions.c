#include "figures.h"

#include <string.h>

#include "glyphs-inl.h"

// Hexadecimal digits for boxes: five rows of three pixels, the highest bit the first.
static const uint16_t digits[16] = {0x7B6F, 0x2C97, 0x73E7, 0x73CF, 0x5BC9, 0x79CF, 0x79EF, 0x7252,
                                    0x7BEF, 0x7BCF, 0x2BED, 0x6BAE, 0x3923, 0x6B6E, 0x79A7, 0x79A4};

/// The glyph of a code point, or -1.
static ptrdiff_t glyph(uint32_t code) {
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        if (code >= runs[i].first && code <= runs[i].last) return runs[i].place + (code - runs[i].first);
    }
    return -1;
}

static unsigned sextet(char letter) {
    if (letter >= 'a') return 26u + (unsigned)(letter - 'a');
    if (letter >= 'A') return (unsigned)(letter - 'A');
    if (letter >= '0') return 52u + (unsigned)(letter - '0');
    return letter == '+' ? 62 : 63;
}

size_t dseg_glyph_columns(uint32_t code) {
    if (glyph(code) >= 0) return 1;
    return code <= 0xFFFF ? 2 : 3;
}

/// Whether a pixel of a box is inked: all but its last column, without the digits, which stand in two rows.
static int box_ink(uint32_t code, size_t columns, size_t x, size_t y) {
    size_t width = columns * DSEG_CELL_WIDTH - 1, margin = (width - (4 * columns - 1)) / 2;
    if (x >= width) return 0;
    if (x < margin || (x - margin) % 4 == 3 || x - margin >= 4 * columns) return 1;
    size_t row = y / 6, line = y % 6;
    if (row > 1 || line == 0) return 1;
    size_t place = 2 * columns - 1 - (row * columns + (x - margin) / 4);
    unsigned bits = digits[code >> 4 * place & 15];
    return !(bits >> (14 - 3 * (line - 1) - (x - margin) % 4) & 1);
}

static void dot(ptrdiff_t left, ptrdiff_t top, size_t scale, const uint8_t *colour, uint8_t *page, size_t width,
                size_t height) {
    for (ptrdiff_t y = top; y < top + (ptrdiff_t)scale; y++) {
        for (ptrdiff_t x = left; x < left + (ptrdiff_t)scale; x++) {
            if (x < 0 || y < 0 || x >= (ptrdiff_t)width || y >= (ptrdiff_t)height) continue;
            memcpy(page + 3 * ((size_t)y * width + (size_t)x), colour, 3);
        }
    }
}

void dseg_draw_text(const uint32_t *codes, size_t count, ptrdiff_t left, ptrdiff_t top, size_t scale,
                    const uint8_t *colour, uint8_t *page, size_t width, size_t height) {
    for (size_t i = 0; i < count; i++) {
        ptrdiff_t place = glyph(codes[i]);
        size_t columns = dseg_glyph_columns(codes[i]);
        for (size_t y = 0; y < DSEG_CELL_HEIGHT; y++) {
            for (size_t x = 0; x < columns * DSEG_CELL_WIDTH; x++) {
                int ink = place < 0
                              ? box_ink(codes[i], columns, x, y)
                              : sextet(glyphs[(size_t)place * DSEG_CELL_HEIGHT + y]) >> (DSEG_CELL_WIDTH - 1 - x) & 1;
                if (ink) {
                    dot(left + (ptrdiff_t)(x * scale), top + (ptrdiff_t)(y * scale), scale, colour, page, width,
                        height);
                }
            }
        }
        left += (ptrdiff_t)(columns * DSEG_CELL_WIDTH * scale);
    }
}
