#include "regions.h"

#include <string.h>

size_t dseg_run_count(const uint8_t *pixels, size_t width, size_t height, uint8_t value) {
    size_t count = 0;
    for (size_t y = 0; y < height; y++) {
        const uint8_t *row = pixels + y * width;
        count += row[0] == value;
        for (size_t x = 1; x < width; x++) count += row[x] == value && row[x - 1] != value;
    }
    return count;
}

/// The first run of a part; shortens the way to it.
static uint32_t first_of(dseg_run *runs, uint32_t run) {
    while (runs[run].parent != run) {
        runs[run].parent = runs[runs[run].parent].parent;
        run = runs[run].parent;
    }
    return run;
}

static void unite(dseg_run *runs, uint32_t a, uint32_t b) {
    a = first_of(runs, a);
    b = first_of(runs, b);
    if (a < b) runs[b].parent = a;
    else runs[a].parent = b;
}

/// The runs of a row; returns the place behind the last.
static uint32_t find_runs(const uint8_t *pixels, size_t start, size_t end, uint8_t value, dseg_run *runs,
                          uint32_t run) {
    for (size_t i = start; i < end; i++) {
        if (pixels[i] != value) continue;
        size_t first = i;
        while (i < end && pixels[i] == value) i++;
        runs[run] = (dseg_run){.start = (uint32_t)first, .end = (uint32_t)i, .parent = run};
        run++;
    }
    return run;
}

/// Unites the runs of two rows, the second below the first, that touch.
///
/// slack  1 if also those touch that meet diagonally, otherwise 0
static void unite_rows(dseg_run *runs, uint32_t upper, uint32_t lower, uint32_t end, uint32_t width, uint32_t slack) {
    uint32_t upper_end = lower;
    while (upper < upper_end && lower < end) {
        uint32_t start = runs[upper].start + width, stop = runs[upper].end + width;
        if (start < runs[lower].end + slack && runs[lower].start < stop + slack) unite(runs, upper, lower);
        if (stop < runs[lower].end) upper++;
        else lower++;
    }
}

/// Finds the runs of a value and unites those of one part; each then has the part's first run as its parent. Returns
/// how many there are.
static uint32_t find_parts(const uint8_t *pixels, size_t width, size_t height, uint8_t value, uint32_t slack,
                           dseg_run *runs) {
    uint32_t upper = 0, lower = 0;
    for (size_t y = 0; y < height; y++) {
        uint32_t end = find_runs(pixels, y * width, (y + 1) * width, value, runs, lower);
        unite_rows(runs, upper, lower, end, (uint32_t)width, slack);
        upper = lower;
        lower = end;
    }
    for (uint32_t run = 0; run < lower; run++) runs[run].parent = runs[runs[run].parent].parent;
    return lower;
}

void dseg_fill_holes(const uint8_t *pixels, size_t width, size_t height, dseg_run *runs, uint8_t *filled) {
    uint32_t count = find_parts(pixels, width, height, 0, 0, runs);
    for (uint32_t run = 0; run < count; run++) {
        int touches = runs[run].start < width || runs[run].start >= (height - 1) * width ||
                      runs[run].start % width == 0 || runs[run].end % width == 0;
        if (touches) runs[runs[run].parent].weight = 1;
    }
    memcpy(filled, pixels, width * height);
    for (uint32_t run = 0; run < count; run++) {
        if (runs[runs[run].parent].weight) continue;
        memset(filled + runs[run].start, 1, runs[run].end - runs[run].start);
    }
}

void dseg_largest_part(const uint8_t *pixels, size_t width, size_t height, dseg_run *runs, uint8_t *part) {
    uint32_t count = find_parts(pixels, width, height, 1, 1, runs);
    memset(part, 0, width * height);
    if (count == 0) return;
    for (uint32_t run = 0; run < count; run++) runs[runs[run].parent].weight += runs[run].end - runs[run].start;
    uint32_t largest = 0;
    for (uint32_t run = 1; run < count; run++) {
        if (runs[run].weight > runs[largest].weight) largest = run;
    }
    for (uint32_t run = 0; run < count; run++) {
        if (runs[run].parent == largest) memset(part + runs[run].start, 1, runs[run].end - runs[run].start);
    }
}
