// Rows of a map enlarged by bilinear interpolation, one after another; the enlarged map is never stored.
#ifndef DSEG_ENLARGED_H
#define DSEG_ENLARGED_H

#include "internal.h"

/// Columns `column` ..< column + count of an enlarged map. `upper` and `lower` [count] hold the two rows of the map,
/// interpolated horizontally, between which the last row lay: the next row mostly needs one or both again.
typedef struct {
    const float *map;
    dseg_line columns, rows;
    size_t column, count;
    float *upper, *lower;
    size_t first;
    bool known;
} dseg_enlarged;

/// row [count] ← row y of the enlarged map.
void dseg_enlarged_row(dseg_enlarged *e, size_t y, float *row);

#endif
