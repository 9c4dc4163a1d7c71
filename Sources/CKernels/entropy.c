// Entropy-reduced affinities (Sun et al.: iSeg, 2024).
#include "internal.h"

/// Columns of a task.
enum { strip_columns = 256 };

typedef struct {
    dseg_matrix s;
    float rate;
    float *most;  // [N, padded], of each column
} sharpening;

static void largest_task(void *context, size_t strip, size_t thread) {
    (void)thread;
    const sharpening *s = context;
    size_t first = strip * strip_columns, count = dseg_least(strip_columns, s->s.columns - first);
    float *most = s->most + first;
    size_t padded = dseg_padded(count);
    __builtin_memset(most, 0, padded * sizeof *most);
    for (size_t row = 0; row < s->s.rows; row++) dseg_simd->largest_of_each(dseg_row(s->s, row) + first, most, count);
    for (size_t i = 0; i < padded; i++)  // a column of zeros stays so
        if (most[i] == 0.0f) most[i] = 1.0f;
}

static void sharpen_task(void *context, size_t row, size_t thread) {
    (void)thread;
    const sharpening *s = context;
    dseg_simd->sharpen(dseg_row(s->s, row), s->most, s->rate, row, s->s.columns);
}

size_t dseg_sharpen_scratch(size_t pixels) { return dseg_padded(pixels); }

void dseg_sharpen(dseg_matrix s, float entropy, float *scratch) {
    sharpening task = {s, entropy / 2.30258509f, scratch};
    dseg_parallel(dseg_parts(s.columns, strip_columns), largest_task, &task);
    dseg_parallel(s.rows, sharpen_task, &task);
}
