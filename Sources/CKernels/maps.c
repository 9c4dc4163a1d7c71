// Score maps, masks and planes: normalisation, differences, channels-last order.
#include "internal.h"

#include <math.h>

float dseg_largest(const float *map, size_t count) {
    float most = -INFINITY;
    for (size_t i = 0; i < count; i++) most = map[i] > most ? map[i] : most;
    return most;
}

size_t dseg_place_of_largest(const float *x, size_t count) {
    float most = dseg_simd->largest(x, count);  // of those that are numbers
    size_t place = 0;
    while (place < count && x[place] < most) place++;
    return place;
}

void dseg_min_max(float *map, size_t count) {
    float least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        least = map[i] < least ? map[i] : least;
        most = map[i] > most ? map[i] : most;
    }
    float range = most - least;
    for (size_t i = 0; i < count; i++) map[i] = range > 0 ? (map[i] - least) / range : 0.0f;
}

void dseg_normalize_sums(dseg_matrix maps, bool shifted) {
    for (size_t k = 0; k < maps.rows; k++) {
        float *map = dseg_row(maps, k), least = shifted && maps.columns > 0 ? map[0] : 0.0f;
        double sum = 0;
        for (size_t i = 0; shifted && i < maps.columns; i++) least = map[i] < least ? map[i] : least;
        for (size_t i = 0; i < maps.columns; i++) sum += map[i] - least;
        for (size_t i = 0; i < maps.columns; i++) map[i] = sum == 0 ? 0.0f : (float)((map[i] - least) / sum);
    }
}

size_t dseg_differing(const uint8_t *x, const uint8_t *y, size_t count) {
    size_t differing = 0;
    for (size_t i = 0; i < count; i++) differing += x[i] != y[i];
    return differing;
}

void dseg_interleave(const float *x, dseg_matrix y) {
    for (size_t i = 0; i < y.rows; i++)
        for (size_t c = 0; c < y.columns; c++) dseg_row(y, i)[c] = x[c * y.rows + i];
}

void dseg_separate(dseg_matrix x, float *y) {
    for (size_t c = 0; c < x.columns; c++)
        for (size_t i = 0; i < x.rows; i++) y[c * x.rows + i] = dseg_row(x, i)[c];
}

void dseg_distance(const float *x, const float *y, size_t count, float *difference, float *magnitude) {
    float d = 0, m = 0;
    for (size_t i = 0; i < count; i++) {
        float e = fabsf(x[i] - y[i]);
        d = e <= d ? d : (isnan(e) ? INFINITY : e);
        m = fabsf(y[i]) > m ? fabsf(y[i]) : m;
    }
    *difference = d;
    *magnitude = m;
}
