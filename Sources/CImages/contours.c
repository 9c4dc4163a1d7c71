#include "regions.h"

/// What a crack was walked as.
enum { WALKED_ABOVE = 1, WALKED_BELOW = 2 };

typedef struct grid {
    const uint8_t *pixels;
    ptrdiff_t width, height;
} grid;

/// Beyond the border nothing is in.
static int is_in(const grid *grid, ptrdiff_t x, ptrdiff_t y) {
    return x >= 0 && y >= 0 && x < grid->width && y < grid->height && grid->pixels[y * grid->width + x];
}

size_t dseg_corner_count(const uint8_t *pixels, size_t width, size_t height) {
    size_t count = 0;
    for (size_t y = 0; y <= height; y++) {
        const uint8_t *upper = y > 0 ? pixels + (y - 1) * width : NULL;
        const uint8_t *lower = y < height ? pixels + y * width : NULL;
        unsigned left_upper = 0, left_lower = 0;
        for (size_t x = 0; x <= width; x++) {
            unsigned right_upper = upper != NULL && x < width ? upper[x] : 0;
            unsigned right_lower = lower != NULL && x < width ? lower[x] : 0;
            unsigned filled = left_upper + left_lower + right_upper + right_lower;
            count += filled % 2;
            if (filled == 2 && left_upper == right_lower) count += 2;
            left_upper = right_upper;
            left_lower = right_lower;
        }
    }
    return count;
}

typedef enum direction { RIGHT, DOWN, LEFT, UP } direction;

static const ptrdiff_t step_x[4] = {1, 0, -1, 0};
static const ptrdiff_t step_y[4] = {0, 1, 0, -1};
/// The pixels ahead of a corner, on the right and on the left hand: what is added to the corner's place.
static const ptrdiff_t right_x[4] = {0, -1, -1, 0};
static const ptrdiff_t right_y[4] = {0, 0, -1, -1};
static const ptrdiff_t left_x[4] = {0, 0, -1, -1};
static const ptrdiff_t left_y[4] = {-1, 0, 0, -1};

/// Where a line goes on. Where two pixels meet diagonally it stays with the one on its right hand, so that these belong
/// to one part only if they are connected elsewhere.
static direction turn(const grid *grid, ptrdiff_t x, ptrdiff_t y, direction ahead) {
    if (!is_in(grid, x + right_x[ahead], y + right_y[ahead])) return (ahead + 1) % 4;
    if (is_in(grid, x + left_x[ahead], y + left_y[ahead])) return (ahead + 3) % 4;
    return ahead;
}

/// Follows one line; returns the place behind its last corner.
static dseg_corner *follow(const grid *grid, ptrdiff_t x, ptrdiff_t y, direction first, uint8_t *marks,
                           dseg_corner *corner) {
    const ptrdiff_t first_x = x, first_y = y;
    direction ahead = first;
    *corner++ = (dseg_corner){(int32_t)x, (int32_t)y};
    while (1) {
        if (ahead == RIGHT) marks[y * grid->width + x] |= WALKED_ABOVE;
        if (ahead == LEFT) marks[(y - 1) * grid->width + x - 1] |= WALKED_BELOW;
        x += step_x[ahead];
        y += step_y[ahead];
        direction next = turn(grid, x, y, ahead);
        if (x == first_x && y == first_y && next == first) return corner;
        if (next != ahead) *corner++ = (dseg_corner){(int32_t)x, (int32_t)y};
        ahead = next;
    }
}

/// In reading order, the first crack of a line that was not walked yet is the uppermost, of these the leftmost: it
/// begins at a corner. It is above a pixel for an outer line, and below one for a hole, as the cracks below an outer
/// line's pixels were walked by then.
size_t dseg_trace(const uint8_t *pixels, size_t width, size_t height, uint8_t *marks, dseg_corner *corners,
                  uint32_t *starts) {
    const grid grid = {pixels, (ptrdiff_t)width, (ptrdiff_t)height};
    dseg_corner *corner = corners;
    size_t lines = 0;
    for (ptrdiff_t y = 0; y < grid.height; y++) {
        for (ptrdiff_t x = 0; x < grid.width; x++) {
            ptrdiff_t place = y * grid.width + x;
            int lower = pixels[place], upper = y > 0 && pixels[place - grid.width];
            if (lower == upper) continue;
            if (lower ? marks[place] & WALKED_ABOVE : marks[place - grid.width] & WALKED_BELOW) continue;
            starts[lines++] = (uint32_t)(corner - corners);
            corner = follow(&grid, x, y, lower ? RIGHT : DOWN, marks, corner);
        }
    }
    starts[lines] = (uint32_t)(corner - corners);
    return lines;
}

/// The first corner at which a horizontal edge of a line begins; every second one from there on does so.
static uint32_t first_level(const dseg_corner *corners, uint32_t start) {
    return start + (corners[start].y != corners[start + 1].y);
}

/// Sorts the horizontal edges by their rows.
///
/// rows  [height + 2]  zeros before; then the first edge of each row, and twice the count of all
static void sort_edges(const dseg_corner *corners, const uint32_t *starts, size_t lines, size_t height, uint32_t *rows,
                       dseg_edge *edges) {
    for (size_t line = 0; line < lines; line++) {
        for (uint32_t i = first_level(corners, starts[line]); i < starts[line + 1]; i += 2) rows[corners[i].y]++;
    }
    for (size_t y = 0; y <= height; y++) rows[y + 1] += rows[y];
    for (size_t line = 0; line < lines; line++) {
        for (uint32_t i = first_level(corners, starts[line]); i < starts[line + 1]; i += 2) {
            edges[--rows[corners[i].y]] = (dseg_edge){(uint32_t)line, i};
        }
    }
}

/// Goes down the picture, with the last edge that was met in each column of corners. Above a hole's first corner, up to
/// the edge that is met there, the pixels on both sides are of the hole's part, so that the edge is, too.
void dseg_landings(const dseg_corner *corners, const uint32_t *starts, size_t lines, size_t width, size_t height,
                   uint32_t *rows, uint32_t *columns, dseg_edge *edges, dseg_edge *landings) {
    sort_edges(corners, starts, lines, height, rows, edges);
    for (size_t x = 0; x <= width; x++) columns[x] = 0;
    size_t line = 0;
    for (size_t y = 0; y <= height; y++) {
        for (; line < lines && corners[starts[line]].y == (int32_t)y; line++) {
            uint32_t start = starts[line];
            int is_outer = first_level(corners, start) == start;
            landings[line] = is_outer ? (dseg_edge){(uint32_t)line, start} : edges[columns[corners[start].x]];
        }
        for (uint32_t edge = rows[y]; edge < rows[y + 1]; edge++) {
            uint32_t from = edges[edge].corner;
            uint32_t to = from + 1 < starts[edges[edge].line + 1] ? from + 1 : starts[edges[edge].line];
            int32_t left = corners[from].x < corners[to].x ? corners[from].x : corners[to].x;
            int32_t right = corners[from].x + corners[to].x - left;
            for (int32_t x = left; x <= right; x++) columns[x] = edge;
        }
    }
}
