// Clusters of pixels, and means over them, against their definitions.
#include "targets.h"

static double number(dseg_matrix maps, size_t token, size_t pixel) {
    double score = at(maps, token, pixel);
    return score == 0 ? 1e-6 : score;
}

/// Half the symmetric divergence between a centre [tokens] and a pixel.
static double distance(dseg_matrix maps, const double *centre, size_t pixel) {
    double sum = 0;
    for (size_t t = 0; t < maps.rows; t++) {
        double c = centre[t] + 1e-5, x = number(maps, t, pixel) + 1e-5;
        sum += (c - x) * (log(c) - log(x));
    }
    return sum / 2;
}

/// centres [count, tokens] <- the means of their pixels.
static void move_centres(dseg_matrix maps, const int32_t *clusters, size_t count, double *centres) {
    for (size_t k = 0; k < count; k++)
        for (size_t t = 0; t < maps.rows; t++) {
            double sum = 0, size = 0;
            for (size_t i = 0; i < maps.columns; i++)
                if ((size_t)clusters[i] == k) sum += number(maps, t, i), size++;
            centres[k * maps.rows + t] = sum / size;
        }
}

/// Numbers used clusters anew, and returns how many there are.
static size_t renumber(int32_t *clusters, size_t pixels, size_t count) {
    int32_t used = 0;
    for (size_t k = 0; k < count; k++) {
        bool is_used = false;
        for (size_t i = 0; i < pixels; i++)
            if ((size_t)clusters[i] == k) clusters[i] = used, is_used = true;
        used += is_used;
    }
    return (size_t)used;
}

/// The clusters by the definition, and the least relative distance between the two centres nearest to a pixel.
static size_t cluster(dseg_matrix maps, const int32_t *starts, size_t count, size_t rounds, int32_t *clusters,
                      double *margin) {
    double *centres = take(count * maps.rows * sizeof *centres);
    for (size_t k = 0; k < count; k++)
        for (size_t t = 0; t < maps.rows; t++) centres[k * maps.rows + t] = number(maps, t, (size_t)starts[k]);
    *margin = INFINITY;
    for (size_t round = 0; round < rounds; round++) {
        if (round > 0) move_centres(maps, clusters, count, centres);
        for (size_t i = 0; i < maps.columns; i++) {
            double least = INFINITY, second = INFINITY;
            for (size_t k = 0; k < count; k++) {
                double d = distance(maps, centres + k * maps.rows, i);
                if (d < least) second = least, least = d, clusters[i] = (int32_t)k;
                else if (d > least && d < second) second = d;
            }
            *margin = fmin(*margin, isfinite(second) ? (second - least) / second : 1);
        }
        count = renumber(clusters, maps.columns, count);
    }
    return count;
}

static void hold_average(dseg_matrix maps, const int32_t *clusters, size_t count) {
    bounded *expected = nothing(maps.rows * maps.columns);
    for (size_t i = 0; i < maps.rows * maps.columns; i++) {
        size_t t = i / maps.columns, pixel = i % maps.columns;
        double sum = 0, size = 0;
        for (size_t j = 0; j < maps.columns; j++)
            if (clusters[j] == clusters[pixel]) sum += at(maps, t, j), size++;
        expected[i] = (bounded){sum / size, 1.001 * u * sum / size};
    }
    size_t floats = 2 * dseg_average_scratch(count);
    float *scratch = marked(floats);
    dseg_average(maps, clusters, count, (double *)(void *)scratch);
    hold_all(maps, expected);
    hold_end(scratch, floats);
}

static void hold_clusters(size_t pixels, size_t tokens, size_t count, size_t rounds) {
    dseg_matrix maps = framed(tokens, pixels, 1);
    for (size_t i = 0; i < pixels * tokens; i++) {
        size_t t = i / pixels, pixel = i % pixels;
        float *score = maps.base + t * maps.stride + pixel;
        bool is_own = (t + pixel * 3 / pixels) % 3 == 0;
        *score = (t + pixel) % 7 == 3 ? 0 : (is_own ? 4e-3f : 3e-4f) * (1 + 0.4f * *score);
    }
    int32_t *starts = take(count * sizeof *starts), *clusters = take((pixels + 1) * sizeof *clusters);
    int32_t *expected = take(pixels * sizeof *expected);
    for (size_t k = 0; k < count; k++) starts[k] = (int32_t)(k * pixels / count);
    size_t floats = 2 * dseg_cluster_scratch(pixels, tokens, count);
    float *scratch = marked(floats);
    double margin;
    size_t wanted = cluster(maps, starts, count, rounds, expected, &margin);
    clusters[pixels] = 0x7abc;
    size_t found = dseg_cluster(maps, starts, count, rounds, clusters, (double *)(void *)scratch);
    hold(clusters[pixels], 0x7abc, 0);
    hold_end(scratch, floats);
    hold_frame(maps);
    if (margin > 1e-4) {  // else a float may take either of two centres
        hold((double)found, (double)wanted, 0);
        for (size_t i = 0; i < pixels; i++) hold(clusters[i], expected[i], 0);
    }
    hold_average(maps, clusters, found);
}

/// Sixteen pixels, eight or four centres at a time.
void check_clusters(void) {
    static const size_t shapes[][3] = {{1, 1, 1},  {2, 3, 2},   {15, 7, 3},   {16, 16, 4},  {17, 17, 5},
                                       {33, 5, 8}, {64, 40, 9}, {100, 7, 17}, {144, 12, 36}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t rounds = 1; rounds < 7; rounds += 2)
            hold_clusters(shapes[s][0], shapes[s][1], shapes[s][2], rounds);
}
