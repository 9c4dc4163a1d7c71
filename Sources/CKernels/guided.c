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

/// The most maps of a group: their rings stay in the L3 cache.
enum { group_maps = 8 };

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

static filtering plan(size_t count, dseg_line columns, dseg_line rows, size_t radius) {
    size_t strips = dseg_least(dseg_threads(), rows.count / (2 * radius + 1) + 1);
    size_t groups = dseg_greatest(dseg_parts(count, group_maps), dseg_parts(dseg_threads(), strips));
    return (filtering){.count = count,
                       .columns = columns,
                       .rows = rows,
                       .radius = radius,
                       .groups = dseg_least(groups, count),
                       .strips = strips};
}

static size_t padded(size_t count) { return dseg_parts(count, 16) * 16; }

/// Numbers of a row; of a plane of sums, which begins and ends with zeros for boxes over the picture's borders; rows of
/// a ring.
static size_t row_of(const filtering *f) { return padded(f->columns.count); }
static size_t border_of(const filtering *f) { return padded(f->radius + 1); }
static size_t plane_of(const filtering *f) { return border_of(f) + row_of(f) + border_of(f); }
static size_t ring_of(const filtering *f) { return dseg_least(2 * f->radius + 2, f->rows.count); }

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

/// The guide's rows that enter and leave the boxes, and the answer's, [3, row] each; the sums of R x, G x and B x over
/// the boxes' rows, [3, 4, plane]; the inverse [10, row]; rates [row] of the columns; zeros [4, row].
typedef struct {
    float *in, *out, *here;
    double *moments, *inverse, *rates;
    int32_t *zeros;
} guidance;

/// A map's rows that enter and leave the boxes; the sums of p x and of a over the boxes' rows, [4, plane] each; a ring
/// of rows of a, [ring, 4, row].
typedef struct {
    dseg_enlarged entering, leaving;
    float *in, *out;
    double *moments, *fits;
    int32_t *ring;
    float *y;
} fitting;

/// A group of maps over a strip of rows.
typedef struct {
    const filtering *f;
    guidance guide;
    fitting maps[group_maps];
    size_t count;
} strip;

static size_t strip_scratch(const filtering *f) {
    size_t row = row_of(f), maps = dseg_parts(f->count, f->groups);
    return 18 * row + 12 * plane_of(f) + maps * ((3 + 2 * ring_of(f)) * row + 8 * plane_of(f));
}

static double *take(double **next, size_t doubles) {
    double *start = *next;
    *next += doubles;
    return start;
}

/// Lays out a strip's scratch: first what begins as zeros.
static void lay_out(strip *s, double *scratch) {
    const filtering *f = s->f;
    size_t row = row_of(f), plane = plane_of(f);
    double *next = scratch;
    guidance *g = &s->guide;
    float *guides = (float *)take(&next, 5 * row);
    g->in = guides, g->out = guides + 3 * row, g->here = guides + 6 * row;
    g->zeros = (int32_t *)take(&next, 2 * row);
    g->rates = take(&next, row);
    g->moments = take(&next, 12 * plane) + border_of(f);
    for (size_t k = 0; k < s->count; k++) {
        fitting *m = s->maps + k;
        float *rows = (float *)take(&next, 3 * row);
        m->in = rows, m->out = rows + row;
        m->entering.upper = rows + 2 * row, m->entering.lower = rows + 3 * row;
        m->leaving.upper = rows + 4 * row, m->leaving.lower = rows + 5 * row;
        m->moments = take(&next, 4 * plane) + border_of(f);
        m->fits = take(&next, 4 * plane) + border_of(f);
    }
    memset(scratch, 0, (size_t)(next - scratch) * sizeof *scratch);
    for (size_t x = 0; x < f->columns.count; x++) g->rates[x] = rate_of((ptrdiff_t)x, f->radius, f->columns.count);
    g->inverse = take(&next, 10 * row);
    for (size_t k = 0; k < s->count; k++) s->maps[k].ring = (int32_t *)take(&next, 2 * ring_of(f) * row);
}

static void begin(strip *s, size_t group, double *scratch) {
    const filtering *f = s->f;
    size_t first = group * f->count / f->groups;
    s->count = (group + 1) * f->count / f->groups - first;
    for (size_t k = 0; k < s->count; k++) {
        dseg_enlarged e = {.map = f->maps + (first + k) * f->columns.length * f->rows.length,
                           .columns = f->columns,
                           .rows = f->rows,
                           .count = f->columns.count};
        s->maps[k] = (fitting){.entering = e, .leaving = e, .y = f->y[first + k]};
    }
    lay_out(s, scratch);
}

static void read_guide(const filtering *f, ptrdiff_t y, float *planes) {
    size_t width = f->columns.count;
    dseg_simd->guide_planes(f->guide + 3 * width * (size_t)y, planes, row_of(f), width);
}

/// Rows of the guide and of the maps enter and leave the boxes; a negative one does not exist.
static void slide_boxes(strip *s, ptrdiff_t entering, ptrdiff_t leaving) {
    const filtering *f = s->f;
    const guidance *g = &s->guide;
    size_t row = row_of(f), plane = plane_of(f);
    const float *zeros = (const float *)g->zeros;
    if (entering >= 0) read_guide(f, entering, g->in);
    if (leaving >= 0) read_guide(f, leaving, g->out);
    for (size_t c = 0; c < 3; c++)
        dseg_simd->slide_moments(entering < 0 ? zeros : g->in + c * row, g->in, leaving < 0 ? zeros : g->out + c * row,
                                 g->out, row, g->moments + 4 * c * plane, plane);
    for (size_t k = 0; k < s->count; k++) {
        fitting *m = s->maps + k;
        if (entering >= 0) dseg_enlarged_row(&m->entering, (size_t)entering, m->in);
        if (leaving >= 0) dseg_enlarged_row(&m->leaving, (size_t)leaving, m->out);
        dseg_simd->slide_moments(entering < 0 ? zeros : m->in, g->in, leaving < 0 ? zeros : m->out, g->out, row,
                                 m->moments, plane);
    }
}

/// The coefficients of the boxes around row y; zeros where there is no such row, or the strip needs it not.
static int32_t *fits_of(const strip *s, const fitting *m, range fits, ptrdiff_t y) {
    return holds(fits, y) ? m->ring + (size_t)y % ring_of(s->f) * 4 * row_of(s->f) : s->guide.zeros;
}

/// Fits the maps in the boxes around row y, which enters the boxes of answers.
static void fit_row(strip *s, range fits, ptrdiff_t y) {
    const filtering *f = s->f;
    const guidance *g = &s->guide;
    size_t row = row_of(f), plane = plane_of(f);
    if (holds(fits, y)) {
        double rate = rate_of(y, f->radius, f->rows.count);
        dseg_simd->invert_moments(g->moments, plane, f->radius, g->rates, rate, f->epsilon, row, g->inverse);
    }
    for (size_t k = 0; k < s->count; k++) {
        const fitting *m = s->maps + k;
        int32_t *entering = fits_of(s, m, fits, y);
        const int32_t *leaving = fits_of(s, m, fits, y - 2 * (ptrdiff_t)f->radius - 1);
        if (holds(fits, y)) dseg_simd->fit(m->moments, plane, f->radius, g->inverse, row, entering);
        dseg_simd->slide_fits(entering, leaving, row, m->fits, plane);
    }
}

static void answer_row(strip *s, ptrdiff_t y) {
    const filtering *f = s->f;
    size_t width = f->columns.count;
    double rate = rate_of(y, f->radius, f->rows.count);
    read_guide(f, y, s->guide.here);
    for (size_t k = 0; k < s->count; k++)
        dseg_simd->predict(s->maps[k].fits, plane_of(f), f->radius, s->guide.here, row_of(f), s->guide.rates, rate,
                           s->maps[k].y + (size_t)y * width, width);
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
        if (y < fits.end)
            slide_boxes(&s, holds(inputs, y + radius) ? y + radius : -1,
                        holds(inputs, y - radius - 1) ? y - radius - 1 : -1);
        if (y >= fits.first) fit_row(&s, fits, y);
        if (holds(answers, y - radius)) answer_row(&s, y - radius);
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
