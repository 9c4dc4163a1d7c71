#ifndef DSEG_EVALUATION_H
#define DSEG_EVALUATION_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// Labels found in pictures are compared with the labels that are there. Nothing here allocates.

/// Looks up each sample in a table, and marks which samples there are.
///
/// samples, out  [count]
/// table         [256]
/// seen          [256]  1 where a sample has the value; others stay as they are
void dseg_translate(const uint8_t *samples, size_t count, const uint8_t *table, uint8_t *out, uint8_t *seen);

/// Gives each pixel the label where its score exceeds the best one so far. A score that is not a number exceeds none.
///
/// scores        [count]
/// label         not 0
/// best, labels  [count]  of the labels so far: at first -infinity, and 0
void dseg_keep_best(const float *scores, size_t count, uint8_t label, float *best, uint8_t *labels);

/// The label of each pixel whose best score exceeds a threshold; 0 for the others.
///
/// best, labels, out  [count]
void dseg_label_above(const float *best, const uint8_t *labels, size_t count, float threshold, uint8_t *out);

/// How many pixels have another label than the true one, of those whose true label is not `unsure`.
///
/// truth, found  [count]
size_t dseg_count_differing(const uint8_t *truth, const uint8_t *found, size_t count, uint8_t unsure);

/// The lengths of a histogram's axes.
typedef struct dseg_axes {
    size_t labels;  ///< true ones, and found ones; 0 is the background
    size_t steps;   ///< thresholds, and one
} dseg_axes;

/// Counts pixels by their true label, the label that was found, and how many thresholds its score exceeds. A pixel
/// whose true label is not below `labels` is left out.
///
/// truth, found  [count]  those found are below `labels`
/// best          [count]
/// thresholds    [steps - 1]  ascending
/// histogram     [labels, labels, steps]  to which is added
void dseg_count_labels(const uint8_t *truth, const uint8_t *found, const float *best, size_t count,
                       const float *thresholds, dseg_axes axes, uint64_t *histogram);

/// Lists the cells that are not 0, ascending; returns how many.
///
/// histogram        [labels, labels, steps]
/// places, counts   [room for all that are not 0]
size_t dseg_list_counts(const uint64_t *histogram, dseg_axes axes, uint64_t *places, uint64_t *counts);

/// Counts pixels by their true label and the label that is given to them: the one that was found where its score
/// exceeds at least `least` thresholds, otherwise 0.
///
/// histogram  [labels, labels, steps]
/// confusion  [labels, labels]  zeros before
void dseg_confusion(const uint64_t *histogram, dseg_axes axes, size_t least, uint64_t *confusion);

#pragma clang assume_nonnull end

#endif
