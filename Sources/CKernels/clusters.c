// Clusters of a picture's pixels by what tokens score there (Sun et al.: iSeg, 2024), and maps averaged over them. A
// pixel's vector are its scores of all tokens; the distance of two is their symmetric Kullback-Leibler divergence.
#include "internal.h"

enum { lanes = 16 };

/// Added to both sides of a divergence, and what stands for zeros.
static const float epsilon = 1e-5f, nothing = 1e-6f;

typedef struct {
    dseg_matrix maps;
    size_t count;                 // of centres
    float *pixels;                // [panels, tokens, 2, 16]: plus epsilon, then the logarithms
    float *centres, *logarithms;  // [centres, tokens]: plus epsilon, and the logarithms
    double *sums;                 // [threads, centres]
    int32_t *sizes, *clusters;    // [centres], [panels, 16]
} clustering;

static float number_of(float score, float zero) { return score == 0.0f ? zero : score; }

/// sizes [count] ← how many pixels each cluster has.
static void count_pixels(const int32_t *clusters, size_t pixels, int32_t *sizes, size_t count) {
    __builtin_memset(sizes, 0, count * sizeof *sizes);
    for (size_t i = 0; i < pixels; i++) sizes[clusters[i]]++;
}

/// sums [count] ← a map's scores in each cluster, added up in the order of pixels, with `zero` in the place of zeros.
static void sum_scores(const float *map, float zero, const int32_t *clusters, size_t pixels, double *sums,
                       size_t count) {
    __builtin_memset(sums, 0, count * sizeof *sums);
    for (size_t i = 0; i < pixels; i++) sums[clusters[i]] += number_of(map[i], zero);
}

static size_t panels_of(dseg_matrix maps) { return dseg_parts(maps.columns, lanes); }

/// Lays out the scratch, if there is any yet, and returns how many doubles it takes.
static size_t carve(clustering *c, double *scratch) {
    size_t sums = dseg_threads() * c->count, numbers = panels_of(c->maps) * lanes * 2 * c->maps.rows;
    size_t centres = c->count * c->maps.rows, places = panels_of(c->maps) * lanes;
    if (scratch) {
        c->sums = scratch;
        c->pixels = (float *)(scratch + sums);
        c->centres = c->pixels + numbers;
        c->logarithms = c->centres + centres;
        c->clusters = (int32_t *)(c->logarithms + centres);
        c->sizes = c->clusters + places;
    }
    return sums + dseg_parts(numbers + 2 * centres + places + c->count, 2);
}

/// Packs the numbers of sixteen pixels.
static void pack_task(void *context, size_t panel, size_t thread) {
    (void)thread;
    const clustering *c = context;
    size_t first = panel * lanes, pixels = dseg_least(lanes, c->maps.columns - first);
    for (size_t t = 0; t < c->maps.rows; t++) {
        float *to = c->pixels + (panel * c->maps.rows + t) * 2 * lanes;
        const float *from = dseg_row(c->maps, t) + first;
        for (size_t i = 0; i < lanes; i++) to[i] = number_of(i < pixels ? from[i] : 0.0f, nothing) + epsilon;
    }
}

static void pack(clustering *c) {
    dseg_matrix numbers = {c->pixels, panels_of(c->maps) * c->maps.rows, lanes, 2 * lanes}, beside = numbers;
    beside.base += lanes;
    dseg_parallel(panels_of(c->maps), pack_task, c);
    dseg_logarithm(numbers, beside);
}

static void nearest_task(void *context, size_t panel, size_t thread) {
    (void)thread;
    const clustering *c = context;
    dseg_centres centres = {c->centres, c->logarithms, c->count, c->maps.rows};
    dseg_simd->nearest(&centres, c->pixels + panel * c->maps.rows * 2 * lanes, c->clusters + panel * lanes);
}

/// Numbers the clusters that have pixels anew, in their order, and counts these.
static void drop_empty(clustering *c) {
    count_pixels(c->clusters, c->maps.columns, c->sizes, c->count);
    // The first sum of a cluster holds its new number for a while.
    int32_t *numbers = (int32_t *)c->sums, used = 0;
    for (size_t k = 0; k < c->count; k++) {
        numbers[k] = used;
        if (c->sizes[k] > 0) c->sizes[used++] = c->sizes[k];
    }
    for (size_t i = 0; i < c->maps.columns; i++) c->clusters[i] = numbers[c->clusters[i]];
    c->count = (size_t)used;
}

/// A token's means over all clusters.
static void centre_task(void *context, size_t token, size_t thread) {
    const clustering *c = context;
    double *sums = c->sums + thread * c->count;
    sum_scores(dseg_row(c->maps, token), nothing, c->clusters, c->maps.columns, sums, c->count);
    for (size_t k = 0; k < c->count; k++)
        c->centres[k * c->maps.rows + token] = (float)(sums[k] / c->sizes[k]) + epsilon;
}

size_t dseg_cluster_scratch(size_t pixels, size_t tokens, size_t centres) {
    clustering c = {.maps = {.rows = tokens, .columns = pixels}, .count = centres};
    return carve(&c, NULL);
}

size_t dseg_cluster(dseg_matrix maps, const int32_t *starts, size_t count, size_t rounds, int32_t *clusters,
                    double *scratch) {
    clustering c = {.maps = maps, .count = count};
    carve(&c, scratch);
    pack(&c);
    for (size_t k = 0; k < count; k++)
        for (size_t t = 0; t < maps.rows; t++)
            c.centres[k * maps.rows + t] = number_of(dseg_row(maps, t)[starts[k]], nothing) + epsilon;
    for (size_t round = 0; round < rounds; round++) {
        if (round > 0) dseg_parallel(maps.rows, centre_task, &c);
        dseg_matrix centres = {c.centres, c.count, maps.rows, maps.rows}, logarithms = centres;
        logarithms.base = c.logarithms;
        dseg_logarithm(centres, logarithms);
        dseg_parallel(panels_of(maps), nearest_task, &c);
        drop_empty(&c);
    }
    __builtin_memcpy(clusters, c.clusters, maps.columns * sizeof *clusters);
    return c.count;
}

typedef struct {
    dseg_matrix maps;
    const int32_t *clusters;
    size_t count;
    double *sums;  // [threads, clusters]
    int32_t *sizes;
} averaging;

static void average_task(void *context, size_t token, size_t thread) {
    const averaging *a = context;
    double *sums = a->sums + thread * a->count;
    float *map = dseg_row(a->maps, token);
    sum_scores(map, 0.0f, a->clusters, a->maps.columns, sums, a->count);
    for (size_t i = 0; i < a->maps.columns; i++) map[i] = (float)(sums[a->clusters[i]] / a->sizes[a->clusters[i]]);
}

size_t dseg_average_scratch(size_t clusters) { return dseg_threads() * clusters + dseg_parts(clusters, 2); }

void dseg_average(dseg_matrix maps, const int32_t *clusters, size_t count, double *scratch) {
    averaging a = {maps, clusters, count, scratch, (int32_t *)(scratch + dseg_threads() * count)};
    count_pixels(clusters, maps.columns, a.sizes, count);
    dseg_parallel(maps.rows, average_task, &a);
}
