// The colour guided filter (He, Sun, Tang: Guided Image Filtering, 2013) of enlarged score maps.
//
// In each box a map p is fitted by a x of the guide's colours, x = (1, R, G, B), with a ridge on the colours:
//
//     a = (sum of x x^T + |box| epsilon diag(0, 1, 1, 1))^-1 (sum of p x)
//
// and a pixel's answer is x times the mean of the a of all boxes that hold it. The inverse is the same for all maps of
// a group.
//
// All sums are exact: colours are multiples of 2^-8, p is rounded to one of 2^-24 and a to one of 2^-20, and doubles
// hold their sums over up to 1449 x 1449 pixels. So sums may run, adding what enters a box and taking away what leaves
// it, without drift; and the bits of an answer depend neither on the strips that the picture is cut into nor on the
// maps beside it.
#include "enlarged.h"

#include <string.h>

/// Maps in the lanes of a vector; the most such fours of a group; doubles of a cache line: a vector that crosses one
/// costs two accesses.
enum { lanes = 4, group_fours = 3, line = 8 };

/// The most bytes of a group's rings, as far as it is cut into strips at all.
static const size_t ring_limit = 96 << 20;

typedef struct {
    const float *maps;
    size_t count;
    dseg_line columns, rows;
    const uint8_t *guide;
    size_t radius;
    double epsilon;
    float *const *y;
    double *scratch;
    size_t groups, strips;
} filtering;

/// Columns of a row; zeros before a row of sums, and behind it; rows of a ring.
static size_t columns_of(const filtering *f) { return dseg_parts(f->columns.count, line) * line; }
static size_t before_of(const filtering *f) { return 2 * f->radius + 2 * lanes; }
static size_t behind_of(const filtering *f) { return f->radius + lanes; }
static size_t ring_of(const filtering *f) { return dseg_least(2 * f->radius + 2, f->rows.count); }

/// Maps are cut into groups, as many for each thread, and the picture into strips only where threads are left: a strip
/// fits `radius` rows beside it on each side too, which costs more than that each group inverts the guide's boxes anew.
static filtering plan(size_t count, dseg_line columns, dseg_line rows, size_t radius) {
    filtering f = {.count = count, .columns = columns, .rows = rows, .radius = radius};
    size_t fours = dseg_parts(count, lanes), threads = dseg_threads();
    // Rings of a strip of four maps that there is room for.
    size_t rings = dseg_greatest(ring_limit / (16 * sizeof(int32_t) * ring_of(&f) * columns_of(&f)), 1);
    size_t tasks = dseg_least(threads, rings), together = dseg_least(group_fours, rings / tasks);
    f.groups = dseg_least(fours, dseg_parts(fours, tasks * together) * tasks);
    f.strips = dseg_least(dseg_greatest(tasks / f.groups, 1), rows.count / (2 * radius + 1) + 1);
    return f;
}

typedef struct {
    ptrdiff_t first, end;
} range;

static bool holds(range r, ptrdiff_t i) { return i >= r.first && i < r.end; }

/// What is within `radius` of r on a line of `count`.
static range around(range r, size_t radius, size_t count) {
    ptrdiff_t first = r.first - (ptrdiff_t)radius, end = r.end + (ptrdiff_t)radius;
    return (range){first > 0 ? first : 0, end < (ptrdiff_t)count ? end : (ptrdiff_t)count};
}

/// 1 / the length of the part of i - radius ... i + radius that is on a line of `count`.
static double rate_of(ptrdiff_t i, size_t radius, size_t count) {
    range inside = around((range){i, i + 1}, radius, count);
    return 1 / (double)(inside.end - inside.first);
}

/// Four maps: rows that enter and leave the boxes, sums over the boxes' rows of x p and of a, a ring of rows of a.
typedef struct {
    dseg_enlarged entering[lanes], leaving[lanes];
    float *in[lanes], *out[lanes], *y[lanes];
    size_t maps;
    double *products, *fits;
    int32_t *ring;
} four;

/// A group of maps over a strip of rows: the guide's rows that enter and leave the boxes, and the answer's, [columns,
/// 4] each; the inverse of the boxes; sums of x x^T over the boxes' rows; a rate for each column; zeros [columns, 16].
typedef struct {
    const filtering *f;
    double *in, *out, *here, *inverse, *sums, *rates;
    int32_t *zeros;
    four fours[group_fours];
    size_t count;
} strip;

static size_t sums_of(const filtering *f) { return 16 * (before_of(f) + columns_of(f) + behind_of(f)); }

static size_t strip_scratch(const filtering *f) {
    size_t columns = columns_of(f), fours = dseg_parts(dseg_parts(f->count, lanes), f->groups);
    return line + 31 * columns + sums_of(f) + fours * ((12 + 8 * ring_of(f)) * columns + 2 * sums_of(f));
}

static double *take(double **next, size_t doubles) {
    double *start = *next;
    *next += doubles;
    return start;
}

/// Lays out a strip's scratch from the next cache line on: first what begins as zeros.
static void lay_out(strip *s, double *room) {
    const filtering *f = s->f;
    double *scratch = room + -(uintptr_t)room / sizeof *room % line;
    size_t columns = columns_of(f), sums = sums_of(f), before = 16 * before_of(f);
    double *next = scratch;
    s->in = take(&next, 4 * columns);
    s->out = take(&next, 4 * columns);
    s->here = take(&next, 4 * columns);
    s->zeros = (int32_t *)take(&next, 8 * columns);
    s->rates = take(&next, columns);
    s->sums = take(&next, sums) + before;
    for (size_t k = 0; k < s->count; k++) {
        four *m = s->fours + k;
        for (size_t i = 0; i < lanes; i++) {
            float *rows = (float *)take(&next, 3 * columns);
            m->in[i] = rows, m->out[i] = rows + columns;
            m->entering[i].upper = rows + 2 * columns, m->entering[i].lower = rows + 3 * columns;
            m->leaving[i].upper = rows + 4 * columns, m->leaving[i].lower = rows + 5 * columns;
        }
        m->products = take(&next, sums) + before;
        m->fits = take(&next, sums) + before;
    }
    memset(scratch, 0, (size_t)(next - scratch) * sizeof *scratch);
    for (size_t x = 0; x < f->columns.count; x++) s->rates[x] = rate_of((ptrdiff_t)x, f->radius, f->columns.count);
    s->inverse = take(&next, 10 * columns);
    for (size_t k = 0; k < s->count; k++) s->fours[k].ring = (int32_t *)take(&next, 8 * ring_of(f) * columns);
}

static void begin(strip *s, size_t group, double *scratch) {
    const filtering *f = s->f;
    size_t fours = dseg_parts(f->count, lanes), first = group * fours / f->groups;
    s->count = (group + 1) * fours / f->groups - first;
    for (size_t k = 0; k < s->count; k++) {
        size_t map = (first + k) * lanes;
        s->fours[k] = (four){.maps = dseg_least(lanes, f->count - map)};
        for (size_t i = 0; i < s->fours[k].maps; i++) {
            dseg_enlarged e = {.map = f->maps + (map + i) * f->columns.length * f->rows.length,
                               .columns = f->columns,
                               .rows = f->rows,
                               .count = f->columns.count};
            s->fours[k].entering[i] = s->fours[k].leaving[i] = e;
            s->fours[k].y[i] = f->y[map + i];
        }
    }
    lay_out(s, scratch);
}

static int32_t *ring_row(const filtering *f, const four *m, ptrdiff_t y) {
    return m->ring + (size_t)y % ring_of(f) * 16 * columns_of(f);
}

static void read_guide(const filtering *f, ptrdiff_t y, double *row) {
    dseg_simd->guide_row(f->guide + 3 * f->columns.count * (size_t)y, row, f->columns.count);
}

/// Moves the boxes down to row y: rows `radius` below it enter and those behind it leave, of the guide and of the maps.
/// Fits the maps in them if y is one of the rows to be fitted.
static void move_boxes(strip *s, range inputs, range fits, ptrdiff_t y) {
    const filtering *f = s->f;
    ptrdiff_t entering = y + (ptrdiff_t)f->radius, leaving = y - (ptrdiff_t)f->radius - 1;
    bool enters = holds(inputs, entering), leaves = holds(inputs, leaving), fitted = holds(fits, y);
    const double *zeros = (const double *)s->zeros;
    if (enters) read_guide(f, entering, s->in);
    if (leaves) read_guide(f, leaving, s->out);
    dseg_guide_row guide = {.in = enters ? s->in : zeros,
                            .out = leaves ? s->out : zeros,
                            .width = f->columns.count,
                            .radius = f->radius,
                            .sums = s->sums,
                            .epsilon = f->epsilon,
                            .inverse = fitted ? s->inverse : NULL};
    dseg_simd->invert(&guide);
    for (size_t k = 0; k < s->count; k++) {
        four *m = s->fours + k;
        dseg_map_rows rows = {.guide = guide, .sums = m->products, .fits = fitted ? ring_row(f, m, y) : NULL};
        for (size_t i = 0; i < lanes; i++) {
            if (enters && i < m->maps) dseg_enlarged_row(m->entering + i, (size_t)entering, m->in[i]);
            if (leaves && i < m->maps) dseg_enlarged_row(m->leaving + i, (size_t)leaving, m->out[i]);
            rows.in[i] = m->in[i], rows.out[i] = m->out[i];
        }
        dseg_simd->fit(&rows);
    }
}

/// Moves the means of coefficients down to row y, and answers it if it is one of the answers.
static void move_means(strip *s, range fits, range answers, ptrdiff_t y) {
    const filtering *f = s->f;
    ptrdiff_t entering = y + (ptrdiff_t)f->radius, leaving = y - (ptrdiff_t)f->radius - 1;
    bool answered = holds(answers, y);
    if (answered) read_guide(f, y, s->here);
    for (size_t k = 0; k < s->count; k++) {
        const four *m = s->fours + k;
        dseg_fit_rows rows = {.in = holds(fits, entering) ? ring_row(f, m, entering) : s->zeros,
                              .out = holds(fits, leaving) ? ring_row(f, m, leaving) : s->zeros,
                              .width = f->columns.count,
                              .radius = f->radius,
                              .sums = m->fits,
                              .guide = answered ? s->here : NULL,
                              .rates = s->rates,
                              .rate = 0x1p-20 * rate_of(y, f->radius, f->rows.count),
                              .maps = m->maps};
        for (size_t i = 0; i < m->maps; i++) rows.y[i] = m->y[i] + (answered ? (size_t)y * f->columns.count : 0);
        dseg_simd->predict(&rows);
    }
}

static void filter_task(void *context, size_t task, size_t thread) {
    const filtering *f = context;
    size_t part = task % f->strips, height = f->rows.count;
    size_t place = f->groups * f->strips <= dseg_threads() ? task : thread;
    ptrdiff_t radius = (ptrdiff_t)f->radius;
    range answers = {(ptrdiff_t)(part * height / f->strips), (ptrdiff_t)((part + 1) * height / f->strips)};
    range fits = around(answers, f->radius, height), inputs = around(fits, f->radius, height);
    strip s = {.f = f};
    begin(&s, task / f->strips, f->scratch + place * strip_scratch(f));
    for (ptrdiff_t y = inputs.first - radius; y < answers.end + radius; y++) {
        if (y < fits.end) move_boxes(&s, inputs, fits, y);
        if (y >= fits.first) move_means(&s, fits, answers, y - radius);
    }
}

size_t dseg_guided_scratch(dseg_line columns, dseg_line rows, size_t count, size_t radius) {
    filtering f = plan(count, columns, rows, radius);
    return dseg_least(f.groups * f.strips, dseg_threads()) * strip_scratch(&f);
}

void dseg_guided(const float *maps, size_t count, dseg_line columns, dseg_line rows, const uint8_t *guide,
                 size_t radius, float epsilon, float *const *y, double *scratch) {
    filtering f = plan(count, columns, rows, radius);
    f.maps = maps;
    f.guide = guide;
    f.epsilon = (double)epsilon * (255.0 / 256) * (255.0 / 256);
    f.y = y;
    f.scratch = scratch;
    dseg_parallel(f.groups * f.strips, filter_task, &f);
}
