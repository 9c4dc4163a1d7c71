// Enlarged maps and painted pictures against their definitions.
#include "targets.h"

#include <string.h>

/// (numbers of a map, pixels) of columns and of rows: smaller and larger, and around the borders of tiles.
static const size_t shapes[][4] = {{1, 1, 1, 1},     {7, 3, 1, 5},    {8, 31, 9, 33}, {8, 33, 5, 64}, {9, 1023, 7, 3},
                                   {9, 1025, 8, 33}, {3, 2049, 1, 5}, {5, 64, 8, 31}, {1, 5, 3, 97}};
enum { sizes = sizeof shapes / sizeof *shapes };

/// To 0...1.
static const dseg_scale unscaled = {NULL, 0};

/// A line that is sampled anywhere, its ends among the places.
static dseg_line line(size_t length, size_t count) {
    uint32_t *first = take(count * sizeof *first);
    float *weight = take(count * sizeof *weight);
    for (size_t i = 0; i < count; i++) {
        float place = (draw() + 1) / 2 * (float)(length - 1);
        if (i == 0) place = 0;
        else if (i == count - 1) place = (float)(length - 1);
        first[i] = (uint32_t)place;
        weight[i] = place - floorf(place);
    }
    return (dseg_line){first, weight, count, length};
}

typedef struct {
    dseg_line columns, rows;
    size_t numbers, pixels;
} enlargement;

static enlargement drawn_enlargement(size_t s) {
    const size_t *z = shapes[s];
    return (enlargement){line(z[0], z[1]), line(z[2], z[3]), z[0] * z[2], z[1] * z[3]};
}

static float *scratch_of(enlargement e, size_t count, size_t *floats) {
    *floats = dseg_paint_scratch(e.columns, e.rows, count);
    return marked(*floats);
}

/// What a map is at a pixel: between its four neighbours.
static double resized(const float *map, enlargement e, size_t pixel) {
    size_t column = pixel % e.columns.count, row = pixel / e.columns.count, length = e.columns.length;
    size_t x = e.columns.first[column], y = e.rows.first[row];
    size_t next = x + (x + 1 < length), below = y + (y + 1 < e.rows.length);
    double right = e.columns.weight[column], down = e.rows.weight[row];
    return (map[y * length + x] * (1 - right) + map[y * length + next] * right) * (1 - down) +
           (map[below * length + x] * (1 - right) + map[below * length + next] * right) * down;
}

/// Numbers up to 1, ten roundings of 2^-24 each (a difference and its product have two, a sum one, and that in both
/// directions), four times in a quotient of two differences, and four more for these; seen through the stretch. The
/// smallest becomes 0 and the largest 1.
void check_enlarging(void) {
    for (size_t s = 0; s < sizes; s++) {
        enlargement e = drawn_enlargement(s);
        size_t floats;
        float *map = drawn(e.numbers), *y = marked(e.pixels), *scratch = scratch_of(e, 1, &floats);
        double least = INFINITY, most = -INFINITY, found_least = INFINITY, found_most = -INFINITY;
        for (size_t i = 0; i < e.pixels; i++) {
            double value = resized(map, e, i);
            least = value < least ? value : least;
            most = larger(value, most);
        }
        dseg_enlarge(map, unscaled, e.columns, e.rows, y, scratch);
        hold_end(y, e.pixels);
        hold_end(scratch, floats);
        for (size_t i = 0; i < e.pixels; i++) {
            found_least = y[i] < found_least ? y[i] : found_least;
            found_most = larger(y[i], found_most);
            if (most - least > 1e-3) hold(y[i], (resized(map, e, i) - least) / (most - least), 44 * u / (most - least));
        }
        hold(found_least, 0, 0);
        hold(found_most, most > least, 0);
    }
}

enum { maps_painted = 6, first_label = 250 };

/// Draws six maps, the fifth the second anew and the last one constant; enlarges each.
static void draw_maps(enlargement e, float *maps, float *enlarged) {
    size_t floats;
    for (size_t k = 0; k < maps_painted; k++) {
        float *map = maps + k * e.numbers;
        for (size_t i = 0; i < e.numbers; i++) map[i] = k == 4 ? maps[e.numbers + i] : k == 5 ? 3 : draw();
        dseg_enlarge(map, unscaled, e.columns, e.rows, enlarged + k * e.pixels, scratch_of(e, 1, &floats));
    }
}

/// The larger score claims a pixel, the first of equal ones keeps it, and one below what stands there changes nothing.
static void hold_picture(enlargement e) {
    size_t floats;
    float *maps = marked(maps_painted * e.numbers), *enlarged = marked(maps_painted * e.pixels);
    float *best = marked(e.pixels), *scratch = scratch_of(e, 4, &floats);
    uint8_t *index = take(e.pixels + 1);
    memset(index, 0, e.pixels);
    index[e.pixels] = 77;
    for (size_t i = 0; i < e.pixels; i++) best[i] = 0.4f;
    draw_maps(e, maps, enlarged);
    dseg_paint(maps, 2, unscaled, e.columns, e.rows, first_label, best, index, scratch);
    dseg_paint(maps + 2 * e.numbers, 4, unscaled, e.columns, e.rows, first_label + 2, best, index, scratch);
    for (size_t i = 0; i < e.pixels; i++) {
        float most = 0.4f;
        size_t label = 0;
        for (size_t k = 0; k < maps_painted; k++) {
            float value = enlarged[k * e.pixels + i];
            if (value <= most) continue;
            most = value;
            label = first_label + k;
        }
        hold(best[i], most, 0);
        hold(index[i], (double)label, 0);
    }
    hold_end(best, e.pixels);
    hold_end(scratch, floats);
    hold(index[e.pixels], 77, 0);
}

/// A constant map, and one that is no number, claim nothing; a picture of one number's map is zeros.
static void hold_nothing(enlargement e, float number) {
    size_t floats;
    float *map = marked(e.numbers), *best = marked(e.pixels), *scratch = scratch_of(e, 1, &floats);
    uint8_t *index = take(e.pixels);
    memset(index, 0, e.pixels);
    for (size_t i = 0; i < e.pixels; i++) best[i] = 0;
    for (size_t i = 0; i < e.numbers; i++) map[i] = number;
    dseg_paint(map, 1, unscaled, e.columns, e.rows, 9, best, index, scratch);
    for (size_t i = 0; i < e.pixels; i++) {
        hold(index[i], 0, 0);
        hold(best[i], 0, 0);
    }
    dseg_enlarge(map, unscaled, e.columns, e.rows, best, scratch);
    for (size_t i = 0; i < e.pixels && !isnan(number); i++) hold(best[i], 0, 0);
}

void check_painting(void) {
    for (size_t s = 0; s < sizes; s++) {
        hold_picture(drawn_enlargement(s));
        hold_nothing(drawn_enlargement(s), 4);
        hold_nothing(drawn_enlargement(s), 0.1f);
        hold_nothing(drawn_enlargement(s), 0.7f);
        hold_nothing(drawn_enlargement(s), NAN);
    }
}
