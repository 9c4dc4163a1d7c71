#include "evaluation.h"

void dseg_translate(const uint8_t *samples, size_t count, const uint8_t *table, uint8_t *out, uint8_t *seen) {
    for (size_t i = 0; i < count; i++) {
        out[i] = table[samples[i]];
        seen[samples[i]] = 1;
    }
}

void dseg_keep_best(const float *scores, size_t count, uint8_t label, float *best, uint8_t *labels) {
    for (size_t i = 0; i < count; i++) {
        int wins = scores[i] > best[i];
        best[i] = wins ? scores[i] : best[i];
        labels[i] = wins ? label : labels[i];
    }
}

void dseg_label_above(const float *best, const uint8_t *labels, size_t count, float threshold, uint8_t *out) {
    for (size_t i = 0; i < count; i++) out[i] = best[i] > threshold ? labels[i] : 0;
}

size_t dseg_count_differing(const uint8_t *truth, const uint8_t *found, size_t count, uint8_t unsure) {
    size_t differing = 0;
    for (size_t i = 0; i < count; i++) differing += truth[i] != unsure && truth[i] != found[i];
    return differing;
}

void dseg_count_labels(const uint8_t *truth, const uint8_t *found, const float *best, size_t count,
                       const float *thresholds, dseg_axes axes, uint64_t *histogram) {
    for (size_t i = 0; i < count; i++) {
        if (truth[i] >= axes.labels) continue;
        size_t exceeded = 0;
        for (size_t t = 0; t + 1 < axes.steps; t++) exceeded += best[i] > thresholds[t];
        histogram[(truth[i] * axes.labels + found[i]) * axes.steps + exceeded]++;
    }
}

size_t dseg_list_counts(const uint64_t *histogram, dseg_axes axes, uint64_t *places, uint64_t *counts) {
    size_t found = 0;
    for (size_t i = 0; i < axes.labels * axes.labels * axes.steps; i++) {
        if (histogram[i] == 0) continue;
        places[found] = i;
        counts[found++] = histogram[i];
    }
    return found;
}

void dseg_confusion(const uint64_t *histogram, dseg_axes axes, size_t least, uint64_t *confusion) {
    for (size_t truth = 0; truth < axes.labels; truth++) {
        uint64_t *row = confusion + truth * axes.labels;
        for (size_t label = 0; label < axes.labels; label++) {
            const uint64_t *cell = histogram + (truth * axes.labels + label) * axes.steps;
            for (size_t step = 0; step < axes.steps; step++) row[step >= least ? label : 0] += cell[step];
        }
    }
}
