// Affinities weighed by a picture's colours, and maps by their share among all.
#include "internal.h"

typedef struct {
    dseg_matrix s;
    const float *places;  // [5, N]
} weighing;

static void weigh_task(void *context, size_t row, size_t thread) {
    (void)thread;
    const weighing *w = context;
    dseg_simd->weigh(dseg_row(w->s, row), w->places, w->s.columns, row, w->s.columns);
}

size_t dseg_weigh_scratch(size_t pixels) { return dseg_place_numbers * pixels; }

void dseg_weigh(dseg_matrix s, const float *colours, size_t height, size_t width, float colour, float position,
                float *scratch) {
    size_t pixels = height * width;
    // e^(-d^2 / 2) is 2^(-d'^2) of distances d' = d sqrt(log2(e) / 2).
    double unit = 0.84932180028801904;
    for (size_t i = 0; i < pixels; i++) {
        for (size_t c = 0; c < 3; c++) scratch[c * pixels + i] = (float)(unit * colours[3 * i + c] / colour);
        scratch[3 * pixels + i] = (float)(unit * (double)(i / width) / (double)height / position);
        scratch[4 * pixels + i] = (float)(unit * (double)(i % width) / (double)width / position);
    }
    weighing w = {s, scratch};
    dseg_parallel(pixels, weigh_task, &w);
}

/// Pixels of a task: their sums stay in the L1 cache.
enum { share_pixels = 256 };

typedef struct {
    dseg_matrix maps;
    unsigned exponent;
} sharing;

static void share_task(void *context, size_t task, size_t thread) {
    (void)thread;
    const sharing *s = context;
    size_t first = task * share_pixels, pixels = dseg_least(share_pixels, s->maps.columns - first);
    int64_t sums[share_pixels] = {0};
    for (size_t k = 0; k < s->maps.rows; k++)
        dseg_simd->add_powers(dseg_row(s->maps, k) + first, s->exponent, sums, pixels);
    for (size_t k = 0; k < s->maps.rows; k++) dseg_simd->share(dseg_row(s->maps, k) + first, s->exponent, sums, pixels);
}

void dseg_share(dseg_matrix maps, unsigned exponent) {
    sharing s = {maps, exponent};
    dseg_parallel(dseg_parts(maps.columns, share_pixels), share_task, &s);
}
