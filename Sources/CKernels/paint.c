// Score maps, enlarged by bilinear interpolation, and their argmax. For the argmax no enlarged map is stored: a task
// holds a row of one label at a time. A first pass finds the bounds of each map, a second one rescales by them.
#include "enlarged.h"

#include <math.h>

/// A task's tile of the enlarged map in pixels, and a thread's scratch in floats: three rows of a tile.
enum { tile_rows = 32, tile_columns = 1024, thread_floats = 3 * tile_columns };

typedef struct {
    const float *maps;
    size_t count;
    dseg_line columns, rows;
    dseg_scale scale;
    uint8_t label;  // of the first map
    float *best;
    uint8_t *index;  // NULL: the map itself is wanted, in `best`
    float *bounds;   // [tasks, count, 2], after the first pass [count, 2] of all
    float *scratch;
    size_t column_tiles;
    bool same;        // columns of maps and picture
    bool stretching;  // the second pass, which knows the bounds
} painting;

static void paint_task(void *context, size_t task, size_t thread) {
    const painting *p = context;
    size_t width = p->columns.count, top = task / p->column_tiles * tile_rows;
    size_t column = task % p->column_tiles * tile_columns, columns = dseg_least(tile_columns, width - column);
    size_t bottom = dseg_least(top + tile_rows, p->rows.count);
    float *scratch = p->scratch + thread * thread_floats;
    for (size_t k = 0; k < p->count; k++) {
        const float *map = p->maps + k * p->columns.length * p->rows.length;
        dseg_enlarged e = {.map = map,
                           .columns = p->columns,
                           .rows = p->rows,
                           .column = column,
                           .count = columns,
                           .same = p->same,
                           .upper = scratch,
                           .lower = scratch + tile_columns};
        float *row = scratch + 2 * tile_columns;
        float least = INFINITY, most = -INFINITY;
        float range = 0;
        if (p->stretching) {
            const float *tops = p->scale.tops;
            least = p->bounds[2 * k];
            if (tops && least > 0) least = 0;  // a guided filter may undershoot
            range = (p->bounds[2 * k + 1] - least + p->scale.epsilon) / (tops ? tops[k] : 1);
        }
        for (size_t y = top; y < bottom; y++) {
            dseg_enlarged_row(&e, y, row);
            size_t place = y * width + column;
            if (!p->stretching) {
                dseg_simd->bounds(row, columns, &least, &most);
            } else if (p->index) {
                dseg_simd->rescale(row, least, range, row, columns);
                dseg_simd->update_argmax(row, (uint8_t)(p->label + k), p->best + place, p->index + place, columns);
            } else {
                dseg_simd->rescale(row, least, range, p->best + place, columns);
            }
        }
        if (!p->stretching) {
            p->bounds[2 * (task * p->count + k)] = least;
            p->bounds[2 * (task * p->count + k) + 1] = most;
        }
    }
}

static size_t tasks_of(dseg_line columns, dseg_line rows) {
    return dseg_parts(columns.count, tile_columns) * dseg_parts(rows.count, tile_rows);
}

size_t dseg_paint_scratch(dseg_line columns, dseg_line rows, size_t count) {
    return 2 * tasks_of(columns, rows) * count + dseg_threads() * thread_floats;
}

static void run(painting p) {
    size_t tasks = tasks_of(p.columns, p.rows);
    p.column_tiles = dseg_parts(p.columns.count, tile_columns);
    p.same = dseg_is_same(p.columns);
    p.bounds = p.scratch;
    p.scratch += 2 * tasks * p.count;
    dseg_parallel(tasks, paint_task, &p);
    for (size_t task = 1; task < tasks; task++) {
        for (size_t k = 0; k < p.count; k++) {
            float *all = p.bounds + 2 * k, *part = p.bounds + 2 * (task * p.count + k);
            all[0] = part[0] < all[0] ? part[0] : all[0];
            all[1] = part[1] > all[1] ? part[1] : all[1];
        }
    }
    p.stretching = true;
    dseg_parallel(tasks, paint_task, &p);
}

void dseg_paint(const float *maps, size_t count, dseg_scale scale, dseg_line columns, dseg_line rows, uint8_t label,
                float *best, uint8_t *index, float *scratch) {
    run((painting){.maps = maps,
                   .count = count,
                   .scale = scale,
                   .columns = columns,
                   .rows = rows,
                   .label = label,
                   .best = best,
                   .index = index,
                   .scratch = scratch});
}

void dseg_enlarge(const float *map, dseg_scale scale, dseg_line columns, dseg_line rows, float *y, float *scratch) {
    run((painting){
        .maps = map, .count = 1, .scale = scale, .columns = columns, .rows = rows, .best = y, .scratch = scratch});
}
