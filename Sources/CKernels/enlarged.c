// Rows of a map enlarged by bilinear interpolation.
#include "enlarged.h"

static void sample(const dseg_enlarged *e, size_t y, float *to) {
    dseg_simd->sample(e->map + y * e->columns.length, e->columns.length, e->columns.first + e->column,
                      e->columns.weight + e->column, to, e->count);
}

bool dseg_is_same(dseg_line line) {
    if (line.count != line.length) return false;
    for (size_t i = 0; i < line.count; i++)
        if (line.first[i] != i || line.weight[i] != 0) return false;
    return true;
}

void dseg_enlarged_row(dseg_enlarged *e, size_t y, float *row) {
    size_t first = e->rows.first[y], second = first + (first + 1 < e->rows.length);
    if (e->same) {
        const float *map = e->map + e->column;
        dseg_simd->lerp(map + first * e->columns.length, map + second * e->columns.length, e->rows.weight[y], row,
                        e->count);
        return;
    }
    if (!e->known || e->first != first) {
        if (e->known && e->first + 1 == first) {
            float *freed = e->upper;
            e->upper = e->lower;
            e->lower = freed;
        } else {
            sample(e, first, e->upper);
        }
        sample(e, second, e->lower);
        e->first = first;
        e->known = true;
    }
    dseg_simd->lerp(e->upper, e->lower, e->rows.weight[y], row, e->count);
}
