#include <math.h>
#include <string.h>

#include "images.h"

/// Bits behind the point of a coefficient. The filter has negative lobes: a sum reaches from -1 to 2 times a sample,
/// and needs two bits more than the sample and its sign.
enum { fraction_bits = 32 - 8 - 2 };

/// A coefficient is the sum of a high part, in multiples of 2^low_bits, and a low part of so many bits: products of
/// each with a sample, two of them added, are what processors multiply fastest.
enum { low_bits = 12 };

/// Coefficients of one output are a multiple of so many, the last ones 0, so that their loop has no tail.
enum { lanes = 8 };

/// Pixels between two questions to the dseg_watch, and at most those that a row of outputs reads.
static const size_t ask_after = 1 << 16;

/// The samples of a line of `count` that one output reads.
typedef struct run {
    size_t first, count;
} run;

/// How an axis of `count` samples is resized.
typedef struct axis {
    size_t count;
    double scale;    ///< samples to one output
    double stretch;  ///< of the filter: the scale where the axis shrinks, so that no sample is left out
} axis;

static axis axis_of(size_t count, size_t out_count) {
    double scale = (double)count / (double)out_count;
    return (axis){count, scale, scale < 1 ? 1 : scale};
}

/// The most samples that an output reads.
static size_t reach(axis a) { return 2 * (size_t)ceil(2 * a.stretch) + 1; }

/// A product rounded by itself: fused with the addition behind it, it would give other coefficients.
static double product(double a, double b) {
    volatile double value = a * b;
    return value;
}

/// Keys' cubic convolution with a = -1/2 (IEEE Trans. ASSP 29, 1981), 2 to either side.
static double cubic(double x) {
    x = fabs(x);
    if (x < 1) return product(product(product(1.5, x) - 2.5, x), x) + 1;
    if (x < 2) return product(product(product(x - 5, x) + 8, x) - 4, -0.5);
    return 0;
}

static double centre(axis a, size_t out) { return product((double)out + 0.5, a.scale); }

static run run_of(axis a, size_t out) {
    double middle = centre(a, out), support = 2 * a.stretch;
    double first = middle - support + 0.5, end = middle + support + 0.5;
    size_t from = first < 0 ? 0 : (size_t)first, to = (size_t)end;
    return (run){from, (to > a.count ? a.count : to) - from};
}

/// The weight of sample `i` before all are scaled to a sum of 1.
static double weight(axis a, size_t out, size_t i) {
    return cubic(product((double)i - centre(a, out) + 0.5, 1 / a.stretch));
}

/// The coefficients of an output in fixed point, halves rounded away from 0.
///
/// coefficients  [count of the run]
static void coefficients_of(axis a, size_t out, run r, int32_t *coefficients) {
    double sum = 0;
    for (size_t i = 0; i < r.count; i++) sum += weight(a, out, r.first + i);
    for (size_t i = 0; i < r.count; i++) {
        double share = weight(a, out, r.first + i);
        if (sum != 0) share /= sum;
        share = product(share, 1 << fraction_bits);
        coefficients[i] = (int32_t)(share < 0 ? share - 0.5 : share + 0.5);
    }
}

static uint8_t rounded(uint32_t sum) {
    int32_t sample = ((int32_t)sum + (1 << (fraction_bits - 1))) >> fraction_bits;
    return (uint8_t)(sample < 0 ? 0 : sample > 255 ? 255 : sample);
}

/// Where the scratch of a resize lies.
typedef struct plan {
    axis across, down;
    int columns_first;
    size_t taps;          ///< coefficients of an output of a row, rounded up to whole lanes
    size_t span;          ///< samples of a plane, rounded up likewise behind the last run
    size_t samples;       ///< of a row whose columns are resized
    size_t kept;          ///< rows kept
    run *runs;            ///< [columns]
    int32_t *single;      ///< coefficients of one output
    uint32_t *sums;       ///< [samples]
    int16_t *high, *low;  ///< [columns, taps]  parts of the coefficients
    int16_t *planes;      ///< [3, span]  a row whose columns are not yet resized
    uint8_t *rows;        ///< [kept, samples]  rows resized along one axis, row i at i % kept
    size_t bytes;
} plan;

static void *placed(char *_Nullable base, size_t *at, size_t bytes) {
    void *place = base ? base + *at : NULL;
    *at += (bytes + 15) / 16 * 16;
    return place;
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static plan planned(const dseg_window *w, void *_Nullable scratch) {
    plan p = {.across = axis_of(w->width, w->out_width), .down = axis_of(w->height, w->out_height)};
    size_t across = least(reach(p.across), w->width), down = least(reach(p.down), w->height), at = 0;
    p.columns_first = w->height > w->out_height &&
                      (ptrdiff_t)(w->height - w->out_height) > 2 * ((ptrdiff_t)w->width - (ptrdiff_t)w->out_width);
    p.taps = (across + lanes - 1) / lanes * lanes;
    p.span = w->width + p.taps;
    p.samples = 3 * (p.columns_first ? w->width : w->columns);
    p.kept = p.columns_first ? 1 : down;
    p.runs = placed(scratch, &at, w->columns * sizeof *p.runs);
    p.single = placed(scratch, &at, (across > down ? across : down) * sizeof *p.single);
    p.sums = placed(scratch, &at, p.samples * sizeof *p.sums);
    p.high = placed(scratch, &at, w->columns * p.taps * sizeof *p.high);
    p.low = placed(scratch, &at, w->columns * p.taps * sizeof *p.low);
    p.planes = placed(scratch, &at, 3 * p.span * sizeof *p.planes);
    p.rows = placed(scratch, &at, p.kept * p.samples);
    p.bytes = at;
    return p;
}

size_t dseg_bicubic_scratch(const dseg_window *window) { return planned(window, NULL).bytes; }

/// Fills the runs and the coefficients of the window's columns.
static void prepare(const plan *p, const dseg_window *w) {
    memset(p->high, 0, w->columns * p->taps * sizeof *p->high);
    memset(p->low, 0, w->columns * p->taps * sizeof *p->low);
    memset(p->planes, 0, 3 * p->span * sizeof *p->planes);
    for (size_t x = 0; x < w->columns; x++) {
        run r = p->runs[x] = run_of(p->across, w->left + x);
        coefficients_of(p->across, w->left + x, r, p->single);
        for (size_t i = 0; i < r.count; i++) {
            int32_t low = p->single[i] & ((1 << low_bits) - 1);
            p->low[x * p->taps + i] = (int16_t)low;
            p->high[x * p->taps + i] = (int16_t)((p->single[i] - low) >> low_bits);
        }
    }
}

/// The sum of samples times coefficients, modulo 2^32: the whole sum is less, its parts need not be.
static uint32_t dot(const int16_t *samples, const int16_t *high, const int16_t *low, size_t count) {
    uint32_t upper = 0, lower = 0;
#pragma clang loop vectorize_width(8) interleave_count(1)
    for (size_t i = 0; i < count; i++) {
        upper += (uint32_t)(samples[i] * high[i]);
        lower += (uint32_t)(samples[i] * low[i]);
    }
    return (upper << low_bits) + lower;
}

/// Resizes a row of the picture's width to the window's columns.
///
/// line  [width, 3]
/// out   [columns, 3]
static void resize_row(const plan *p, const dseg_window *w, const uint8_t *line, uint8_t *out) {
    size_t first = p->runs[0].first, end = p->runs[w->columns - 1].first + p->runs[w->columns - 1].count;
    int16_t *restrict red = p->planes, *restrict green = red + p->span, *restrict blue = green + p->span;
    for (size_t i = first; i < end; i++) {
        red[i] = line[3 * i];
        green[i] = line[3 * i + 1];
        blue[i] = line[3 * i + 2];
    }
    for (size_t x = 0; x < w->columns; x++) {
        const int16_t *high = p->high + x * p->taps, *low = p->low + x * p->taps;
        size_t from = p->runs[x].first, count = (p->runs[x].count + lanes - 1) / lanes * lanes;
        for (size_t c = 0; c < 3; c++) out[3 * x + c] = rounded(dot(p->planes + c * p->span + from, high, low, count));
    }
}

/// Adds up rows to one of the resized picture's height.
///
/// rows  [kept, samples]  row i at i % kept
/// out   [samples]
static void resize_columns(const plan *p, run r, const uint8_t *rows, size_t kept, uint8_t *out) {
    uint32_t *restrict sums = p->sums;
    memset(sums, 0, p->samples * sizeof *sums);
    for (size_t i = 0; i < r.count; i++) {
        const uint8_t *row = rows + (r.first + i) % kept * p->samples;
        uint32_t coefficient = (uint32_t)p->single[i];
        if (coefficient == 0) continue;
        for (size_t x = 0; x < p->samples; x++) sums[x] += coefficient * row[x];
    }
    for (size_t x = 0; x < p->samples; x++) out[x] = rounded(sums[x]);
}

/// Asks the dseg_watch where `unasked` pixels, read or written since the last question, are enough for another.
static int gave_up(const dseg_watch *watch, size_t *unasked) {
    if (*unasked < ask_after) return 0;
    *unasked = 0;
    return !watch->is_wanted(watch->context);
}

dseg_verdict dseg_bicubic(const uint8_t *rgb, const dseg_window *window, void *scratch, const dseg_watch *watch,
                          uint8_t *out) {
    const dseg_window *w = window;
    plan p = planned(w, scratch);
    prepare(&p, w);
    size_t next = run_of(p.down, w->top).first, unasked = ask_after;
    for (size_t y = 0; y < w->rows; y++, out += 3 * w->columns) {
        run r = run_of(p.down, w->top + y);
        coefficients_of(p.down, w->top + y, r, p.single);
        if (p.columns_first) {
            if (gave_up(watch, &unasked)) return DSEG_UNWANTED;
            resize_columns(&p, r, rgb, w->height, p.rows);
            resize_row(&p, w, p.rows, out);
            unasked += r.count * w->width;
            continue;
        }
        for (; next < r.first + r.count; next++) {
            if (gave_up(watch, &unasked)) return DSEG_UNWANTED;
            resize_row(&p, w, rgb + 3 * w->width * next, p.rows + next % p.kept * p.samples);
            unasked += w->width + w->columns;
        }
        if (gave_up(watch, &unasked)) return DSEG_UNWANTED;
        resize_columns(&p, r, p.rows, p.kept, out);
        unasked += r.count * w->columns;
    }
    return DSEG_DONE;
}
