#include "regions.h"

#include <string.h>

void dseg_select(const uint8_t *indices, size_t count, const uint8_t *is_in, uint8_t *pixels) {
    for (size_t i = 0; i < count; i++) pixels[i] = is_in[indices[i]];
}

void dseg_subtract(const uint8_t *pixels, const uint8_t *others, size_t count, uint8_t *out) {
    for (size_t i = 0; i < count; i++) out[i] = pixels[i] & (others[i] ^ 1);
}

size_t dseg_pixels_in(const uint8_t *pixels, size_t count) {
    size_t area = 0;
    for (size_t i = 0; i < count; i++) area += pixels[i];
    return area;
}

dseg_box dseg_bounds(const uint8_t *pixels, size_t width, size_t height) {
    dseg_box box = {.left = width, .top = height, .right = 0, .bottom = 0};
    for (size_t y = 0; y < height; y++) {
        const uint8_t *row = pixels + y * width;
        const uint8_t *first = memchr(row, 1, width);
        if (first == NULL) continue;
        size_t left = (size_t)(first - row);
        if (left < box.left) box.left = left;
        size_t right = width;
        while (!row[right - 1]) right--;
        if (right > box.right) box.right = right;
        if (y < box.top) box.top = y;
        box.bottom = y + 1;
    }
    return box.bottom > 0 ? box : (dseg_box){0, 0, 0, 0};
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

size_t dseg_grow_scratch(size_t width, size_t height, size_t radius) { return 3 * width + smaller(radius + 1, height); }

/// No pixel of the value is near enough.
static const uint32_t nowhere = UINT32_MAX;

/// How far a pixel reaches along a row that is so many rows away: the integer part of the root of
/// radius^2 - rows^2.
static void fill_reaches(size_t radius, size_t count, uint32_t *reaches) {
    uint64_t square = (uint64_t)radius * radius;
    uint64_t reach = radius;
    for (uint64_t rows = 0; rows < count; rows++) {
        while (reach * reach > square - rows * rows) reach--;
        reaches[rows] = (uint32_t)reach;
    }
}

/// The pixels of a row that are reached from the nearest pixel of the value in any column.
///
/// reach  [width]  or `nowhere`
/// out    [width]
static void cover(const uint32_t *reach, size_t width, uint8_t value, uint8_t *out) {
    size_t end = 0;
    for (size_t x = 0; x < width; x++) {
        if (reach[x] != nowhere && x + reach[x] + 1 > end) end = x + reach[x] + 1;
        out[x] = x < end ? value : value ^ 1;
    }
    size_t start = width;
    for (size_t x = width; x-- > 0;) {
        if (reach[x] != nowhere) start = smaller(start, x > reach[x] ? x - reach[x] : 0);
        if (x >= start) out[x] = value;
    }
}

/// A pixel is reached if and only if, for some column, it is reached from the nearest pixel in that column: of all in
/// the column this one reaches farthest along the row.
void dseg_grow(const uint8_t *pixels, size_t width, size_t height, uint8_t value, size_t radius, uint32_t *scratch,
               uint8_t *grown) {
    uint32_t *above = scratch;        // rows up to the nearest pixel of the value in the column
    uint32_t *below = above + width;  // the first row, from this one on, that is not known to lack the value
    uint32_t *reach = below + width;
    uint32_t *reaches = reach + width;
    fill_reaches(radius, smaller(radius + 1, height), reaches);
    for (size_t x = 0; x < width; x++) above[x] = nowhere, below[x] = 0;
    for (size_t y = 0; y < height; y++) {
        const uint8_t *row = pixels + y * width;
        size_t limit = smaller(height, y + radius + 1);
        for (size_t x = 0; x < width; x++) {
            if (row[x] == value) above[x] = 0;
            else if (above[x] != nowhere) above[x]++;
            size_t next = below[x] > y ? below[x] : y;
            while (next < limit && pixels[next * width + x] != value) next++;
            below[x] = (uint32_t)next;
            size_t distance = above[x];
            if (next < limit) distance = smaller(distance, next - y);
            reach[x] = distance <= radius ? reaches[distance] : nowhere;
        }
        cover(reach, width, value, grown + y * width);
    }
}
