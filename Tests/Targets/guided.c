// The guided filter against its definition: boxes formed anew for each pixel.
#include "targets.h"

typedef struct {
    size_t width, height, radius;
    double epsilon;
} shape;

/// y ← means of x over the part of the box around each pixel that is inside the picture.
static void box_means(const shape *s, const double *x, double *y) {
    size_t r = s->radius;
    for (size_t i = 0; i < s->height; i++)
        for (size_t j = 0; j < s->width; j++) {
            double sum = 0, count = 0;
            for (size_t k = i > r ? i - r : 0; k <= i + r && k < s->height; k++)
                for (size_t l = j > r ? j - r : 0; l <= j + r && l < s->width; l++) sum += x[k * s->width + l], count++;
            y[i * s->width + j] = sum / count;
        }
}

static double *doubles(const shape *s) { return take(s->width * s->height * sizeof(double)); }

static double *means_of_products(const shape *s, const double *x, const double *y) {
    double *product = doubles(s), *means = doubles(s);
    for (size_t i = 0; i < s->width * s->height; i++) product[i] = y ? x[i] * y[i] : x[i];
    box_means(s, product, means);
    return means;
}

/// x ← m^-1 x of a positive definite matrix (Gauss).
static void solve(double m[3][3], double *x) {
    for (size_t p = 0; p < 3; p++)
        for (size_t i = 0; i < 3; i++) {
            double factor = i == p ? 0 : m[i][p] / m[p][p];
            for (size_t j = 0; j < 3; j++) m[i][j] -= factor * m[p][j];
            x[i] -= factor * x[p];
        }
    for (size_t p = 0; p < 3; p++) x[p] /= m[p][p];
}

/// answer ← map p, filtered; colours [3] of [pixels], their means and those of their products.
static void filter(const shape *s, double *const *colours, double *const *means, double *const *squares,
                   const double *p, double *answer) {
    size_t pixels = s->width * s->height;
    double *a[3], *mixed[3], *b = means_of_products(s, p, NULL);
    for (size_t c = 0; c < 3; c++) a[c] = doubles(s), mixed[c] = means_of_products(s, p, colours[c]);
    for (size_t i = 0; i < pixels; i++) {
        double m[3][3], slopes[3];
        for (size_t c = 0; c < 3; c++) {
            for (size_t d = 0; d < 3; d++)
                m[c][d] = squares[3 * c + d][i] - means[c][i] * means[d][i] + (c == d ? s->epsilon : 0);
            slopes[c] = mixed[c][i] - means[c][i] * b[i];
        }
        solve(m, slopes);
        for (size_t c = 0; c < 3; c++) a[c][i] = slopes[c], b[i] -= slopes[c] * means[c][i];
    }
    box_means(s, b, answer);
    for (size_t c = 0; c < 3; c++) {
        const double *slopes = means_of_products(s, a[c], NULL);
        for (size_t i = 0; i < pixels; i++) answer[i] += slopes[i] * colours[c][i];
    }
}

/// Of `count` numbers onto themselves.
static dseg_line same(size_t count) {
    uint32_t *first = take(count * sizeof *first);
    float *weight = take(count * sizeof *weight);
    for (size_t i = 0; i < count; i++) first[i] = (uint32_t)i, weight[i] = 0;
    return (dseg_line){first, weight, count, count};
}

enum { maps_filtered = 5 };

/// A guide is noise, grey noise or one colour. Coefficients, a constant and three slopes of colours below 1, have half
/// a step of 2^-20 each; a map has half a step of 2^-24, seen through slopes of up to 1 / (4 sqrt(epsilon)); and the
/// answer is rounded once.
static void hold_filter(const shape *s, size_t kind) {
    size_t pixels = s->width * s->height;
    uint8_t *guide = take(3 * pixels);
    double *colours[3], *means[3], *squares[9], *answer = doubles(s), *p = doubles(s);
    for (size_t c = 0; c < 3; c++) colours[c] = doubles(s);
    for (size_t i = 0; i < 3 * pixels; i++) {
        guide[i] = kind == 0 || (kind == 1 && i % 3 == 0) ? (uint8_t)draw_bits()
                   : i < 3                                ? 77
                                                          : guide[i - 1 - 2 * (kind > 1)];
        colours[i % 3][i / 3] = guide[i] / 255.0;
    }
    for (size_t c = 0; c < 3; c++) means[c] = means_of_products(s, colours[c], NULL);
    for (size_t c = 0; c < 9; c++) squares[c] = means_of_products(s, colours[c / 3], colours[c % 3]);
    dseg_line columns = same(s->width), rows = same(s->height);
    size_t room = dseg_guided_scratch(columns, rows, maps_filtered, s->radius);
    double *scratch = take((room + 1) * sizeof(double));
    float *maps = drawn(maps_filtered * pixels), *y[maps_filtered];
    for (size_t i = 0; i < maps_filtered * pixels; i++) maps[i] = fabsf(maps[i]);
    for (size_t k = 0; k < maps_filtered; k++) y[k] = marked(pixels);
    scratch[room] = -5;
    dseg_guided(maps, maps_filtered, columns, rows, guide, s->radius, (float)s->epsilon, y, scratch);
    hold(scratch[room], -5, 0);
    for (size_t k = 0; k < maps_filtered; k++) {
        for (size_t i = 0; i < pixels; i++) p[i] = maps[k * pixels + i];
        filter(s, colours, means, squares, p, answer);
        for (size_t i = 0; i < pixels; i++)
            hold(y[k][i], answer[i], 0x1p-19 + 0x1p-25 * (1 + 1 / (4 * sqrt(s->epsilon))) + u);
        hold_end(y[k], pixels);
    }
}

/// A pixel, a row, a column; narrower and wider than a box; columns around a vector; more rows than a ring has.
void check_guided(void) {
    static const shape shapes[] = {{1, 1, 1, 1e-4},   {17, 1, 3, 1e-4}, {1, 19, 4, 1e-4}, {7, 5, 9, 1e-4},
                                   {15, 16, 1, 1e-4}, {20, 9, 6, 1e-2}, {9, 30, 2, 1e-4}, {18, 31, 4, 1e-6}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t kind = 0; kind < 3; kind++) {
            end_case();
            hold_filter(shapes + s, kind);
        }
}
