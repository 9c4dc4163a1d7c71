// Attention against its definition.
#include "targets.h"

typedef struct {
    dseg_matrix q, k;
    size_t heads, width;
    bool causal, fixed;
} queries;

static grains grains_of_head(dseg_matrix x, size_t row, size_t first, size_t width) {
    double head[160];
    for (size_t c = 0; c < width; c++) head[c] = at(x, row, first + c);
    return grains_of(head, width, 1, long_row);
}

/// p [keys] <- softmax(q k^T / sqrt(width)) of a query's head.
///
/// An exponent has the error of its score and of the top score (width + 1 roundings each), of their distance and of the
/// scale (3 roundings of itself); in fixed point the sum of products is exact, and there are what integers miss and
/// three roundings: the sum's, the scales' product's and that of the product with it. e^x makes the error a relative
/// one and adds 2e-7. The sum of powers has its terms' errors and one rounding for each sixteenth of them, five for the
/// lanes, and the rate has one more.
static void probabilities(const queries *a, size_t row, size_t head, bounded *p) {
    size_t keys = a->k.rows, seen = a->causal && row + 1 < keys ? row + 1 : keys;
    double scale = 1 / sqrt((double)a->width), top = -INFINITY, top_slack = 0, sum = 0, sum_error = 0;
    for (size_t j = 0; j < seen; j++) {
        double score = 0, reach = 0;
        for (size_t c = head * a->width; c < (head + 1) * a->width; c++) {
            double term = at(a->q, row, c) * at(a->k, j, c);
            score += term;
            reach += fabs(term);
        }
        double slack = gamma_of(a->fixed ? 3 : (double)a->width + 1) * reach;
        if (a->fixed)
            slack += miss_of(grains_of_head(a->q, row, head * a->width, a->width),
                             grains_of_head(a->k, j, head * a->width, a->width));
        p[j] = (bounded){score * scale, slack * scale};
        top = larger(top, p[j].value);
        top_slack = larger(top_slack, p[j].slack);
    }
    for (size_t j = 0; j < seen; j++) {
        double distance = p[j].value - top, power = exp(distance);
        double error = p[j].slack + top_slack + 3 * u * fabs(distance) + 2e-7;
        p[j] = (bounded){power, error};
        sum += power;
        sum_error += power * error;
    }
    sum_error = sum_error / sum + ((double)seen / 16 + 8) * u;
    for (size_t j = 0; j < seen; j++) {
        double value = p[j].value / sum;
        p[j] = (bounded){value, value * expm1(p[j].slack + sum_error) + 0x1p-125};
    }
    for (size_t j = seen; j < keys; j++) p[j] = (bounded){0, 0};
}

/// The largest error of a quantized probability, half a step. A step is the sum of a block of 512 keys over 65000 less
/// 1/2 for each key, or the top probability over 32767 where that is larger.
static double missed_probability(const bounded *p, size_t keys, size_t key) {
    size_t first = key / 512 * 512, end = first + 512 < keys ? first + 512 : keys;
    double sum = 0, top = 0;
    for (size_t j = first; j < end; j++) sum += p[j].value + p[j].slack;
    for (size_t j = 0; j < keys; j++) top = larger(top, p[j].value + p[j].slack);
    return 0.51 * larger(sum / (65000 - 0.5 * (double)(end - first)), top / 32767);
}

/// The largest error of a quantized value, half a step: the largest of its column is 32767 steps.
static double missed_value(dseg_matrix v, size_t column) {
    double most = 0;
    for (size_t j = 0; j < v.rows; j++) most = larger(most, fabs(at(v, j, column)));
    return 0.51 * most / 32767;
}

/// Adds a head's answer to y.
static void read_values(const queries *a, dseg_matrix v, size_t head, const bounded *p, bounded *y) {
    size_t keys = a->k.rows;
    double *missed = take(keys * sizeof(double));
    for (size_t j = 0; j < keys; j++) missed[j] = a->fixed ? missed_probability(p, keys, j) : 0;
    // A product, its sums, and the rate; or two scales for each block of an exact sum, its own rounding, and its sum.
    double rounding = gamma_of(a->fixed ? (double)keys / 512 + 6 : (double)keys + 2);
    for (size_t c = head * a->width; c < (head + 1) * a->width; c++) {
        double of_value = a->fixed ? missed_value(v, c) : 0;
        for (size_t j = 0; j < keys; j++) {
            double slack = p[j].slack + missed[j];
            y[c].value += p[j].value * at(v, j, c);
            y[c].slack += (slack + rounding * p[j].value) * fabs(at(v, j, c)) + (p[j].value + slack) * of_value;
        }
    }
}

/// y and the mean that is added to, of all heads.
static void attend(const queries *a, dseg_matrix v, const float *shares, bounded *y, bounded *mean) {
    size_t keys = a->k.rows;
    bounded *p = nothing(keys);
    double heads = (double)a->heads;
    for (size_t row = 0; row < a->q.rows; row++)
        for (size_t head = 0; head < a->heads; head++) {
            probabilities(a, row, head, p);
            read_values(a, v, head, p, y + row * v.columns);
            for (size_t j = 0; j < keys; j++) {  // two products, a sum for each head
                mean[row * keys + j].value += p[j].value * shares[head];
                mean[row * keys + j].slack += (p[j].slack + (heads + 3) * u * p[j].value) * shares[head];
            }
        }
}

/// What is to stand where something is added to a matrix: each of its numbers is rounded with every sum.
static bounded *added(const bounded *expected, dseg_matrix m, double roundings) {
    bounded *sums = nothing(m.rows * m.columns);
    for (size_t i = 0; i < m.rows * m.columns; i++) {
        double before = at(m, i / m.columns, i % m.columns);
        sums[i] = (bounded){expected[i].value + before, expected[i].slack + roundings * u * fabs(before)};
    }
    return sums;
}

static void check_heads(size_t rows, size_t keys, size_t width, size_t heads, bool causal, bool fixed) {
    size_t columns = width * heads, floats = dseg_attention_scratch(keys, columns, heads);
    queries a = {framed(rows, columns, 4.0f), framed(keys, columns, 1.0f), heads, width, causal, fixed};
    dseg_matrix v = framed(keys, columns, 1.0f), y = framed(rows, columns, 0);
    dseg_matrix mean = framed(rows, keys, 0.5f), other = framed(rows, keys, 0.5f);
    float shares[] = {0.7f, 0, 0.2f}, *scratch = marked(floats);
    bounded *of_y = nothing(rows * columns), *of_mean = nothing(rows * keys);
    attend(&a, v, shares, of_y, of_mean);
    const bounded *sums = added(of_mean, mean, (double)heads);
    dseg_attention(a.q, a.k, v, heads, causal, y, &mean, shares, fixed, scratch);
    hold_all(y, of_y);
    hold_all(mean, sums);
    hold_end(scratch, floats);
    if (causal) return;  // the other sees every key
    sums = added(of_mean, other, (double)heads);
    dseg_attention_mean(a.q, a.k, heads, other, shares, fixed, scratch);
    hold_all(other, sums);
    hold_end(scratch, floats);
}

/// Tiles of 128 queries, or in fixed point of 96; panels of 16 keys and blocks of 512, heads narrower and wider than a
/// vector.
static const size_t shapes[][4] = {{1, 1, 1, 1},    {5, 7, 3, 2},    {23, 15, 8, 2},  {24, 16, 16, 1},
                                   {25, 17, 17, 2}, {97, 65, 5, 1},  {9, 257, 40, 1}, {7, 256, 33, 2},
                                   {13, 77, 64, 1}, {22, 513, 2, 1}, {129, 31, 9, 2}, {256, 3, 1, 1}};
enum { shape_count = sizeof shapes / sizeof *shapes };

void check_attention(void) {
    for (size_t s = 0; s < shape_count; s++)
        for (int causal = 0; causal < 2; causal++)
            check_heads(shapes[s][0], shapes[s][1], shapes[s][2], shapes[s][3], causal, false);
    check_heads(113, 4097, 1, 1, false, false);  // keys enough for a shorter tile, of 112
}

void check_attention_fixed(void) {
    for (size_t s = 0; s < shape_count; s++)
        check_heads(shapes[s][0], shapes[s][1], shapes[s][2], shapes[s][3], false, true);
    check_heads(17, 2049, 4, 1, false, true);  // keys enough for the shortest tile, of 16
}

/// A query that is NaN has NaN for an answer and no other has; a key that is NaN spoils every answer.
static void spoil_attention(size_t place, bool is_key, bool fixed) {
    dseg_matrix q = framed(35, 3, 1.0f), k = framed(35, 3, 1.0f), v = framed(35, 3, 1.0f), y = framed(35, 3, 0);
    (is_key ? k : q).base[place * q.stride + 1] = NAN;
    dseg_attention(q, k, v, 1, false, y, NULL, NULL, fixed, marked(dseg_attention_scratch(35, 3, 1)));
    for (size_t i = 0; i < 35 * 3; i++) hold(isnan(at(y, i / 3, i % 3)) != 0, is_key || i / 3 == place, 0);
}

void check_nan_in_attention(void) {
    for (size_t place = 0; place < 35 * 4; place++) spoil_attention(place / 4, place % 2, place / 2 % 2);
}
