// Group and layer normalisation.
//
// A group norm reads the map once for its sums: each task adds up a strip of rows, per channel, relative to the strip's
// first row (shifted data, against catastrophic cancellation; an origin for each strip, since the map's first pixel may
// be an outlier), and a task for each group joins the strips in double precision.
#include "internal.h"

/// Rows of a task.
enum { strip_rows = 128 };

typedef struct {
    dseg_matrix x, y;
    const float *gamma, *beta;
    float epsilon;
    bool silu;
    size_t groups;
    float *gain, *shift;  // of each channel
    float *scratch;       // strips of [sum, squares]
} norm;

static void sum_task(void *context, size_t strip, size_t thread) {
    (void)thread;
    const norm *n = context;
    size_t columns = n->x.columns, row = strip * strip_rows, end = dseg_least(row + strip_rows, n->x.rows);
    float *sum = n->scratch + strip * 2 * columns, *squares = sum + columns;
    const float *origin = dseg_row(n->x, row);
    __builtin_memset(sum, 0, 2 * columns * sizeof(float));
    for (; row < end; row++) dseg_simd->accumulate(dseg_row(n->x, row), origin, sum, squares, columns);
}

/// Adds up a channel's strips: sum ← the sum of x - origin, squares ← that of its squares.
static void add_strips(const norm *n, size_t column, double origin, double *sum, double *squares) {
    for (size_t row = 0; row < n->x.rows; row += strip_rows) {
        const float *strip = n->scratch + row / strip_rows * 2 * n->x.columns + column;
        double rows = (double)dseg_least(strip_rows, n->x.rows - row);
        double step = dseg_row(n->x, row)[column] - origin, distances = strip[0];
        *sum += distances + rows * step;
        *squares += strip[n->x.columns] + 2 * step * distances + rows * step * step;
    }
}

/// Mean and variance of a group, then gain and shift of its channels.
static void join_task(void *context, size_t group, size_t thread) {
    (void)thread;
    const norm *n = context;
    size_t width = n->x.columns / n->groups, first = group * width;
    double rows = (double)n->x.rows, mean = 0, power = 0;
    for (size_t c = first; c < first + width; c++) {
        double sum = 0, squares = 0, origin = n->x.base[c];
        add_strips(n, c, origin, &sum, &squares);
        double offset = sum / rows;
        mean += origin + offset;
        power += squares / rows - offset * offset + (origin + offset) * (origin + offset);
    }
    mean /= (double)width;
    double variance = power / (double)width - mean * mean;
    double rate = 1.0 / __builtin_sqrt((variance > 0 ? variance : 0) + (double)n->epsilon);
    for (size_t c = first; c < first + width; c++) {
        n->gain[c] = (float)(n->gamma[c] * rate);
        n->shift[c] = (float)(n->beta[c] - mean * rate * n->gamma[c]);
    }
}

static void compute_gains(norm *n) {
    dseg_parallel(dseg_parts(n->x.rows, strip_rows), sum_task, n);
    dseg_parallel(n->groups, join_task, n);
}

void dseg_group_gains(dseg_matrix x, const float *gamma, const float *beta, size_t groups, float epsilon, float *gain,
                      float *shift, float *scratch) {
    compute_gains(&(norm){.x = x,
                          .gamma = gamma,
                          .beta = beta,
                          .epsilon = epsilon,
                          .groups = groups,
                          .gain = gain,
                          .shift = shift,
                          .scratch = scratch});
}

static void normalize_task(void *context, size_t strip, size_t thread) {
    (void)thread;
    const norm *n = context;
    size_t row = strip * strip_rows, end = dseg_least(row + strip_rows, n->x.rows);
    for (; row < end; row++)
        dseg_simd->normalize(dseg_row(n->x, row), n->gain, n->shift, dseg_row(n->y, row), n->x.columns, n->silu);
}

static void run(norm n) {
    n.gain = n.scratch + dseg_parts(n.x.rows, strip_rows) * 2 * n.x.columns;
    n.shift = n.gain + n.x.columns;
    compute_gains(&n);
    dseg_parallel(dseg_parts(n.x.rows, strip_rows), normalize_task, &n);
}

size_t dseg_group_norm_scratch(size_t rows, size_t columns) { return (dseg_parts(rows, strip_rows) + 1) * 2 * columns; }

void dseg_group_norm(dseg_matrix x, dseg_matrix y, const float *gamma, const float *beta, size_t groups, float epsilon,
                     float *scratch) {
    run((norm){.x = x, .y = y, .gamma = gamma, .beta = beta, .epsilon = epsilon, .groups = groups, .scratch = scratch});
}

void dseg_group_norm_silu(dseg_matrix x, dseg_matrix y, const float *gamma, const float *beta, size_t groups,
                          float epsilon, float *scratch) {
    run((norm){.x = x,
               .y = y,
               .gamma = gamma,
               .beta = beta,
               .epsilon = epsilon,
               .silu = true,
               .groups = groups,
               .scratch = scratch});
}

static void layer_task(void *context, size_t strip, size_t thread) {
    (void)thread;
    const norm *n = context;
    size_t row = strip * strip_rows, end = dseg_least(row + strip_rows, n->x.rows);
    for (; row < end; row++)
        dseg_simd->layer_norm(dseg_row(n->x, row), n->gamma, n->beta, dseg_row(n->y, row), n->x.columns, n->epsilon);
}

void dseg_layer_norm(dseg_matrix x, dseg_matrix y, const float *gamma, const float *beta, float epsilon) {
    norm n = {.x = x, .y = y, .gamma = gamma, .beta = beta, .epsilon = epsilon};
    dseg_parallel(dseg_parts(x.rows, strip_rows), layer_task, &n);
}
