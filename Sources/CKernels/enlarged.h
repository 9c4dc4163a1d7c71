// Rows of a map enlarged by bilinear interpolation, one after another; the enlarged map is never stored.
#ifndef DSEG_ENLARGED_H
#define DSEG_ENLARGED_H

#include "internal.h"

/// Columns `column` ..< column + count of an enlarged map. `upper` and `lower` [count] hold the two rows of the map,
/// interpolated horizontally, between which the last row lay: the next row mostly needs one or both again. Where the
/// map has the `same` columns its own rows are read, and not those two.
typedef struct {
    const float *map;
    dseg_line columns, rows;
    size_t column, count;
    bool same;
    float *upper, *lower;
    size_t first;
    bool known;
} dseg_enlarged;

/// Whether every number of a line is its own output.
bool dseg_is_same(dseg_line line);
/// row [count] ← row y of the enlarged map.
void dseg_enlarged_row(dseg_enlarged *e, size_t y, float *row);

#endif
