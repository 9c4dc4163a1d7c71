#ifndef DSEG_REGIONS_H
#define DSEG_REGIONS_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// Regions are sets of a picture's pixels: [height, width], a byte each, 1 where the pixel is in and otherwise 0. No
// size is 0. A picture has at most 2^26 pixels and 2^20 a side, so that lengths, areas and counts of corners fit 32
// bits. Time is linear in the pixels unless said otherwise. Nothing is allocated: scratch is the caller's.

// -- region.c

/// The pixels whose index is in.
///
/// indices, pixels  [count]
/// is_in            [256]  0 or 1, by index
void dseg_select(const uint8_t *indices, size_t count, const uint8_t *is_in, uint8_t *pixels);

/// The pixels that are not in the other region.
///
/// pixels, others, out  [count]
void dseg_subtract(const uint8_t *pixels, const uint8_t *others, size_t count, uint8_t *out);

/// How many pixels are in.
size_t dseg_pixels_in(const uint8_t *pixels, size_t count);

/// A rectangle of pixels from the first of each axis up to, but not including, the end.
typedef struct dseg_box {
    size_t left, top, right, bottom;
} dseg_box;

/// The smallest rectangle around all pixels that are in; all 0 where none is.
///
/// pixels  [height, width]
dseg_box dseg_bounds(const uint8_t *pixels, size_t width, size_t height);

/// How many integers of scratch dseg_grow takes: less than 3 width + height.
size_t dseg_grow_scratch(size_t width, size_t height, size_t radius);

/// Gives the value `value`, 0 or 1, to each pixel of which one of that value is at most `radius` pixels away, straight
/// between their centres; what lies beyond the border has the other value. Exact: all arithmetic is of integers.
///
/// radius         at most width + height, which reaches every pixel
/// pixels, grown  [height, width]  distinct
/// scratch        [dseg_grow_scratch(width, height, radius)]
void dseg_grow(const uint8_t *pixels, size_t width, size_t height, uint8_t value, size_t radius, uint32_t *scratch,
               uint8_t *grown);

// -- parts.c

/// Pixels of one value beside each other in a row, and the part of the picture that they belong to.
typedef struct dseg_run {
    uint32_t start;   ///< the first pixel's place, row by row
    uint32_t end;     ///< behind the last
    uint32_t parent;  ///< a run of the same part that is not behind this one; itself for the part's first
    uint32_t weight;  ///< of a part's first run: what is asked of the part
} dseg_run;

/// How many runs have the value: at most (width + 1) / 2 a row.
///
/// pixels  [height, width]
size_t dseg_run_count(const uint8_t *pixels, size_t width, size_t height, uint8_t value);

/// Fills the holes: the 4-connected parts of the complement that do not touch the picture's border. Beside the pixels,
/// the time is that of a disjoint-set forest of the runs.
///
/// pixels, filled  [height, width]
/// runs            [dseg_run_count(pixels, width, height, 0)]  scratch
void dseg_fill_holes(const uint8_t *pixels, size_t width, size_t height, dseg_run *runs, uint8_t *filled);

/// The 8-connected part with the most pixels, of several the first in reading order. Time as of dseg_fill_holes.
///
/// pixels, part  [height, width]
/// runs          [dseg_run_count(pixels, width, height, 1)]  scratch
void dseg_largest_part(const uint8_t *pixels, size_t width, size_t height, dseg_run *runs, uint8_t *part);

// -- blur.c

/// A symmetric filter: the share of a pixel and of those up to `radius` from it on either side.
typedef struct dseg_filter {
    size_t radius;
    const uint16_t *weights;  ///< [radius + 1]  weights[0] + 2 (weights[1] + ...) = 2^15
} dseg_filter;

/// Filters a region along both axes, the border's pixels repeated beyond it: 0...255, rounded. All arithmetic is of
/// integers, exact up to the rounding, for which the 24 highest bits of 30 count. Time grows with the radius.
///
/// pixels, out  [height, width]
/// excluded     [height, width]  where it is 1, out is 0; or NULL
/// sums         [width]  scratch
/// line         [width + 2 radius]  scratch
void dseg_blur(const uint8_t *pixels, size_t width, size_t height, dseg_filter filter,
               const uint8_t *_Nullable excluded, uint32_t *sums, uint16_t *line, uint8_t *out);

// -- contours.c

/// Where four pixels meet: 0...width, 0...height.
typedef struct dseg_corner {
    int32_t x, y;
} dseg_corner;

/// How many corners the boundaries of all 4-connected parts have together: at most two where four pixels meet.
///
/// pixels  [height, width]
size_t dseg_corner_count(const uint8_t *pixels, size_t width, size_t height);

/// Follows the boundaries of all 4-connected parts along the cracks between pixels, the part on the right hand: a line
/// is closed, begins at its uppermost corner, of these the leftmost, and turns at each corner. The first edge of an
/// outer line leads to the right, that of a hole down. Lines are in the order of their first corners. Returns how many
/// there are: at most a quarter of the corners.
///
/// pixels   [height, width]
/// marks    [height, width]  scratch, zeros before
/// corners  [dseg_corner_count(pixels, width, height)]
/// starts   [lines + 1]  each line's first corner, and behind the last the count of corners
size_t dseg_trace(const uint8_t *pixels, size_t width, size_t height, uint8_t *marks, dseg_corner *corners,
                  uint32_t *starts);

/// An edge of a line, by the corner at which it begins, counted through all lines.
typedef struct dseg_edge {
    uint32_t line;
    uint32_t corner;
} dseg_edge;

/// For each hole the horizontal edge that is met first on the way up from its first corner; it belongs to a line of the
/// same part. For each outer line its own first edge. Time is linear in the length of all lines.
///
/// corners   [starts[lines]]
/// starts    [lines + 1]
/// rows      [height + 2]  scratch, zeros before
/// columns   [width + 1]  scratch
/// edges     [starts[lines] / 2]  scratch
/// landings  [lines]
void dseg_landings(const dseg_corner *corners, const uint32_t *starts, size_t lines, size_t width, size_t height,
                   uint32_t *rows, uint32_t *columns, dseg_edge *edges, dseg_edge *landings);

// -- columns.c

/// The lengths of the runs down each column, the columns from left to right: alternately of 0 and 1, beginning with 0,
/// of which there may be none. Returns how many there are, at most one more than pixels.
///
/// pixels  [height, width]
/// runs    filled unless NULL
size_t dseg_column_runs(const uint8_t *pixels, size_t width, size_t height, uint32_t *_Nullable runs);

/// Transposes a matrix.
///
/// matrix  [rows, columns]
/// out     [columns, rows]
void dseg_transpose(const float *matrix, size_t rows, size_t columns, float *out);

#pragma clang assume_nonnull end

#endif
