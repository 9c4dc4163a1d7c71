// Attention against its definition.
#include "bodies.h"

typedef struct {
    dseg_matrix q, k;
    size_t heads, width;
    bool causal;
} queries;

/// p [keys] <- softmax(q k^T / sqrt(width)) of a query's head.
///
/// An exponent has the error of its score and of the top score (width + 1 roundings each), of their distance and of the
/// scale (3 roundings of itself); e^x makes that a relative one and adds 2e-7. The sum has its terms' errors and one
/// rounding for each sixteenth of them, five for the lanes, and the rate has one more.
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
        p[j] = (bounded){score * scale, gamma_of((double)a->width + 1) * reach * scale};
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

/// y and the mean that is added to, of all heads.
static void attend(const queries *a, dseg_matrix v, float share, bounded *y, bounded *mean) {
    size_t keys = a->k.rows;
    bounded *p = nothing(keys);
    double heads = (double)a->heads, s = share;
    for (size_t row = 0; row < a->q.rows; row++)
        for (size_t head = 0; head < a->heads; head++) {
            probabilities(a, row, head, p);
            for (size_t c = head * a->width; c < (head + 1) * a->width; c++) {
                bounded *to = y + row * v.columns + c;
                for (size_t j = 0; j < keys; j++) {       // a product, its sums, and the rate
                    to->value += p[j].value * at(v, j, c);
                    to->slack += (p[j].slack + gamma_of((double)keys + 2) * p[j].value) * fabs(at(v, j, c));
                }
            }
            for (size_t j = 0; j < keys; j++) {           // the share's quotient, two products, a sum for each head
                mean[row * keys + j].value += p[j].value * s / heads;
                mean[row * keys + j].slack += (p[j].slack + (heads + 3) * u * p[j].value) * s / heads;
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

static void check_heads(size_t rows, size_t keys, size_t width, size_t heads, bool causal) {
    size_t columns = width * heads, floats = dseg_attention_scratch(keys, columns, heads);
    queries a = {framed(rows, columns, 4.0f), framed(keys, columns, 1.0f), heads, width, causal};
    dseg_matrix v = framed(keys, columns, 1.0f), y = framed(rows, columns, 0);
    dseg_matrix mean = framed(rows, keys, 0.5f), other = framed(rows, keys, 0.5f);
    float share = 0.7f, *scratch = marked(floats);
    bounded *of_y = nothing(rows * columns), *of_mean = nothing(rows * keys);
    attend(&a, v, share, of_y, of_mean);
    const bounded *sums = added(of_mean, mean, (double)heads);
    dseg_attention(a.q, a.k, v, heads, causal, y, &mean, share, scratch);
    hold_all(y, of_y);
    hold_all(mean, sums);
    hold_end(scratch, floats);
    if (causal) return;                                   // the other sees every key
    sums = added(of_mean, other, (double)heads);
    dseg_attention_mean(a.q, a.k, heads, other, share, scratch);
    hold_all(other, sums);
    hold_end(scratch, floats);
}

/// Tiles of 24 to 96 queries, panels of 16 keys, passes of 256 keys, heads narrower and wider than a vector.
void check_attention(void) {
    static const size_t shapes[][4] = {{1, 1, 1, 1}, {5, 7, 3, 2}, {23, 15, 8, 2}, {24, 16, 16, 1}, {25, 17, 17, 2},
                                       {97, 65, 5, 1}, {9, 257, 40, 1}, {7, 256, 33, 2}, {13, 77, 64, 1}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int causal = 0; causal < 2; causal++)
            check_heads(shapes[s][0], shapes[s][1], shapes[s][2], shapes[s][3], causal);
    check_heads(3, 1500, 4, 1, false);                    // rows enough for the shortest tile
}

/// A query that is NaN has NaN for an answer and no other has; a key that is NaN spoils every answer.
static void spoil_attention(size_t place, bool is_key) {
    dseg_matrix q = framed(35, 3, 1.0f), k = framed(35, 3, 1.0f), v = framed(35, 3, 1.0f), y = framed(35, 3, 0);
    (is_key ? k : q).base[place * q.stride + 1] = NAN;
    dseg_attention(q, k, v, 1, false, y, NULL, 0, marked(dseg_attention_scratch(35, 3, 1)));
    for (size_t i = 0; i < 35 * 3; i++) hold(isnan(at(y, i / 3, i % 3)) != 0, is_key || i / 3 == place, 0);
}

void check_nan_in_attention(void) {
    for (size_t place = 0; place < 35; place++) {
        spoil_attention(place, false);
        spoil_attention(place, true);
    }
}
