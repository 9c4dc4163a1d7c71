// Rows in fixed point, and words scored by them, against their definitions.
#include "targets.h"

#include <string.h>

enum { untouched = 0x7abc };

/// Memory for quantized rows, zeros as they are to be before they are filled, with a mark behind them.
static dseg_fixed room_of(size_t rows, size_t heads, size_t width) {
    size_t count = dseg_fixed_numbers(rows, heads, width);
    dseg_fixed f = {take((count + 1) * sizeof(int16_t)), marked(rows * heads), rows, heads, width};
    memset(f.values, 0, count * sizeof(int16_t));
    memset(f.scales, 0, rows * heads * sizeof(float));
    f.values[count] = untouched;
    return f;
}

static void hold_room(dseg_fixed f) {
    hold(f.values[dseg_fixed_numbers(f.rows, f.heads, f.width)], untouched, 0);
    hold_end(f.scales, f.rows * f.heads);
}

static size_t pairs_of(dseg_fixed f) { return (f.width + 1) / 2; }

/// The number in a query's head; `column` may be the one beside an odd width.
static int16_t *query(dseg_fixed f, size_t row, size_t head, size_t column) {
    return f.values + ((row / 16 * f.heads + head) * pairs_of(f) + column / 2) * 32 + row % 16 * 2 + column % 2;
}

static float *query_scale(dseg_fixed f, size_t row, size_t head) {
    return f.scales + (row / 16 * f.heads + head) * 16 + row % 16;
}

static int16_t *key(dseg_fixed f, size_t row, size_t head, size_t column) {
    return f.values + (head * f.rows + row) * 2 * pairs_of(f) + column;
}

static float *key_scale(dseg_fixed f, size_t row, size_t head) { return f.scales + head * f.rows + row; }

dseg_fixed queries_of(dseg_matrix x, size_t heads) {
    dseg_fixed f = room_of(dseg_fixed_rows(x.rows), heads, x.columns / heads);
    dseg_quantize_queries(x, f);
    return f;
}

dseg_fixed keys_of(dseg_matrix x, size_t heads) {
    dseg_fixed f = room_of(x.rows, heads, x.columns / heads);
    dseg_quantize_keys(x, f);
    return f;
}

// ---- fixed point ------------------------------------------------------------------------------------------------

/// A row's head: half a unit and four roundings of scale and product, four more for the factor of the queries. Zeros
/// have the scale 0, what is not finite NaN, and both leave the numbers alone.
static void hold_fixed(dseg_matrix x, dseg_fixed f, bool queries, size_t row, size_t head) {
    double squares = 0, most = 0, sum = 0, length = 0, rate = queries ? 1.4426950408889634 / sqrt((double)f.width) : 1;
    for (size_t c = 0; c < f.width && row < x.rows; c++) {
        double value = at(x, row, head * f.width + c);
        squares += value * value;
        most = larger(most, fabs(value));
    }
    length = sqrt(squares);
    float scale = *(queries ? query_scale : key_scale)(f, row, head);
    double unit = larger(length / 46000, most / 32767), slack = unit * 0.501 + most * gamma_of(queries ? 8 : 4);
    bool is_left = length == 0 || !isfinite(length);
    if (is_left) hold(isnan(scale) ? 1 : scale, isfinite(length) ? 0 : 1, 0);
    for (size_t c = 0; c < 2 * pairs_of(f); c++) {
        double number = *(queries ? query : key)(f, row, head, c);
        sum += number * number;
        if (is_left || c >= f.width) hold(number, 0, 0);
        else hold(number * scale / rate, at(x, row, head * f.width + c), slack);
        hold(fabs(number) <= 32767, 1, 0);
    }
    hold(sum < 0x1p31, 1, 0);
}

/// Odd widths, panels that are not full, numbers of every size; zeros, one among small ones, turns, NaN and infinity.
void check_fixing(void) {
    static const size_t shapes[][3] = {{1, 1, 4},  {17, 2, 5},  {16, 1, 8},   {129, 2, 40}, {33, 1, 1},
                                       {15, 3, 7}, {7, 2, 160}, {8, 1, 1280}, {31, 2, 17}};
    static const float magnitudes[] = {1e-30f, 1.0f, 1e30f};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t m = 0; m < 3; m++) {
            size_t rows = shapes[s][0], heads = shapes[s][1], width = shapes[s][2];
            dseg_matrix x = framed(rows, heads * width, magnitudes[m]);
            for (size_t i = 0; i < rows * heads * width; i++) {
                size_t row = i / (heads * width), c = i % (heads * width), last = c % width == width - 1;
                float *number = x.base + row * x.stride + c;
                if (row == 1) *number = 0;
                if (row == 2) *number = last ? magnitudes[m] : magnitudes[m] * 1e-7f;
                if (row == 3) *number = c % 2 ? magnitudes[m] : -magnitudes[m];
                if (row == 4 && last) *number = NAN;
                if (row == 5 && c % width == 0) *number = -INFINITY;
            }
            dseg_fixed q = queries_of(x, heads), k = keys_of(x, heads);
            for (size_t i = 0; i < q.rows * heads; i++) hold_fixed(x, q, true, i / heads, i % heads);
            for (size_t i = 0; i < rows * heads; i++) hold_fixed(x, k, false, i / heads, i % heads);
            hold_room(q);
            hold_room(k);
            hold_frame(x);
        }
}

// ---- scores -----------------------------------------------------------------------------------------------------

double scores_of(dseg_fixed q, dseg_fixed k, size_t row, size_t head, bounded *p, double *top_slack) {
    double top = -INFINITY;
    *top_slack = 0;
    for (size_t j = 0; j < k.rows; j++) {
        int64_t product = 0;
        for (size_t c = 0; c < q.width; c++) product += (int64_t)*query(q, row, head, c) * *key(k, j, head, c);
        double score = (double)product * *query_scale(q, row, head) * *key_scale(k, j, head);
        p[j] = (bounded){score, gamma_of(3) * fabs(score)};
        top = larger(top, score);
        *top_slack = larger(*top_slack, p[j].slack);
    }
    return top;
}

/// p [keys] <- softmax of a query's head.
///
/// An exponent has the errors of its score and of the top one and a rounding of their distance, of which 2^x makes a
/// relative error, ln 2 times as large, and adds 2e-7. The sum has its terms' errors and a rounding for each key.
static void probabilities(dseg_fixed q, dseg_fixed k, size_t row, size_t head, bounded *p) {
    double top_slack, sum = 0, sum_error = 0, top = scores_of(q, k, row, head, p, &top_slack);
    for (size_t j = 0; j < k.rows; j++) {
        double distance = p[j].value - top, power = exp2(distance);
        p[j] = (bounded){power, (p[j].slack + top_slack + u * fabs(distance)) * 0.6932 + 2e-7};
        sum += power;
        sum_error += power * p[j].slack;
    }
    sum_error = sum_error / sum + (double)k.rows * u;
    for (size_t j = 0; j < k.rows; j++) {
        double value = p[j].value / sum;
        p[j] = (bounded){value, value * expm1(p[j].slack + sum_error) + 0x1p-125};
    }
}

/// The expected score of a row: `before` plus the share of the mean over heads and the phrase's positions. Roundings
/// are those of both sums, of a quotient, of the share's two quotients and of the product with it; `before` is rounded
/// once for each head that is added to it.
static bounded score(dseg_fixed q, dseg_phrase phrase, float share, double before, size_t row) {
    double heads = (double)q.heads, count = (double)phrase.position_count, part = share / heads / count;
    bounded *p = nothing(phrase.keys.rows), sum = {before, heads * u * fabs(before)};
    for (size_t head = 0; head < q.heads; head++) {
        probabilities(q, phrase.keys, row, head, p);
        for (size_t i = 0; i < phrase.position_count; i++) {
            bounded chosen = p[phrase.positions[i]];
            sum.value += chosen.value * part;
            sum.slack += (chosen.slack + gamma_of(count + heads + 4) * chosen.value) * part;
        }
    }
    return sum;
}

static void hold_scores(dseg_matrix x, dseg_matrix y, size_t heads) {
    dseg_fixed q = queries_of(x, heads), k = keys_of(y, heads);
    int32_t last = (int32_t)y.rows - 1, positions[] = {last, 0, last / 2};
    for (size_t count = 1; count <= 3; count++) {
        dseg_phrase phrase = {k, positions, count};
        size_t floats = dseg_score_scratch(y.rows);
        float *maps = drawn(q.rows), *scratch = marked(floats);
        bounded *expected = nothing(x.rows);
        for (size_t row = 0; row < x.rows; row++) expected[row] = score(q, phrase, 0.7f, maps[row], row);
        dseg_score(q, &phrase, 1, 0.7f, maps, scratch);
        for (size_t row = 0; row < x.rows; row++) hold(maps[row], expected[row].value, expected[row].slack);
        hold_end(maps, q.rows);
        hold_end(scratch, floats);
    }
    hold_room(q);
    hold_room(k);
}

/// A token's map has what a phrase of this token has, each head with a share of its own.
static void hold_token_scores(dseg_matrix x, dseg_matrix y, size_t heads) {
    dseg_fixed q = queries_of(x, heads), k = keys_of(y, heads);
    static const float shares[] = {0.7f, 0, 0.2f};
    size_t floats = dseg_score_scratch(y.rows);
    float *maps = drawn(y.rows * q.rows), *scratch = marked(floats);
    bounded *expected = nothing(y.rows * x.rows), *p = nothing(y.rows);
    for (size_t row = 0; row < x.rows; row++)
        for (size_t head = 0; head < heads; head++) {
            probabilities(q, k, row, head, p);
            for (size_t j = 0; j < y.rows; j++) {
                double before = head ? 0 : maps[j * q.rows + row];
                expected[j * x.rows + row].value += before + shares[head] * p[j].value;
                expected[j * x.rows + row].slack +=
                    (double)heads * u * fabs(before) +
                    shares[head] * (p[j].slack + gamma_of((double)heads + 2) * p[j].value);
            }
        }
    dseg_score_tokens(q, k, shares, maps, scratch);
    for (size_t j = 0; j < y.rows; j++)
        for (size_t row = 0; row < x.rows; row++)
            hold(maps[j * q.rows + row], expected[j * x.rows + row].value, expected[j * x.rows + row].slack);
    hold_end(maps, y.rows * q.rows);
    hold_end(scratch, floats);
}

/// Odd widths; keys around a tile of six; panels that are not full, and more than a task's eight.
void check_scores(void) {
    static const size_t shapes[][4] = {{1, 1, 1, 4},    {17, 5, 2, 5}, {16, 6, 1, 8},  {129, 77, 2, 40},
                                       {200, 13, 3, 7}, {33, 7, 2, 1}, {15, 12, 1, 3}, {31, 11, 1, 33}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        size_t heads = shapes[s][2], columns = heads * shapes[s][3];
        hold_scores(framed(shapes[s][0], columns, 4.0f), framed(shapes[s][1], columns, 1.0f), heads);
        hold_token_scores(framed(shapes[s][0], columns, 4.0f), framed(shapes[s][1], columns, 1.0f), heads);
    }
}

/// A number of -8 ... 8, not 0.
static int turn(void) {
    int number = (int)(draw_bits() % 16) - 8;
    return number < 0 ? number : number + 1;
}

/// A head's numbers whose products are as large as they may be and cancel out, but for those in one column: there the
/// query has 1, -1, 2 or 0 and key j has -(j % 8).
static void fill_head(dseg_fixed q, dseg_fixed k, size_t head) {
    static const int16_t alone[] = {1, -1, 2, 0};
    size_t w = q.width, column = head % 2 ? w - 1 : 0, first = column ? 0 : 1;
    int most = (int)fmin(4095, 5600 / sqrt((double)w));
    int16_t base[64];
    for (size_t c = 0; c < w; c++) base[c] = (int16_t)(most - (int)(draw_bits() % (unsigned)(most / 8)));
    for (size_t i = 0; i < q.rows + k.rows; i++) {
        bool is_key = i >= q.rows;
        size_t row = is_key ? i - q.rows : i;
        int16_t *(*number)(dseg_fixed, size_t, size_t, size_t) = is_key ? key : query;
        int factor = turn();
        for (size_t c = first; c + 1 < first + w - 1; c += 2) {  // a column without another keeps zeros
            *number(is_key ? k : q, row, head, c) = (int16_t)(factor * (is_key ? base[c + 1] : base[c]));
            *number(is_key ? k : q, row, head, c + 1) = (int16_t)(factor * (is_key ? -base[c] : base[c + 1]));
        }
        *number(is_key ? k : q, row, head, column) = is_key ? (int16_t) - (int)(row % 8) : alone[row % 4];
        *(is_key ? key_scale : query_scale)(is_key ? k : q, row, head) = 1;
    }
}

/// Scores that are small whole numbers have powers, and sums of them, without any rounding: the quotient has one, and
/// the sum of two heads another.
static void hold_whole_scores(size_t rows, size_t keys, size_t width) {
    dseg_fixed q = room_of(rows, 2, width), k = room_of(keys, 2, width);
    const int32_t positions[] = {(int32_t)keys / 2, 0};
    dseg_phrase phrase = {k, positions, 2};
    fill_head(q, k, 0);
    fill_head(q, k, 1);
    float *map = marked(rows);
    memset(map, 0, rows * sizeof *map);
    dseg_score(q, &phrase, 1, 1, map, marked(dseg_score_scratch(keys)));
    for (size_t row = 0; row < rows; row++) {
        double value = 0;
        for (size_t head = 0; head < 2; head++) {
            double powers = 0, chosen = 0, by = *query(q, row, head, head ? width - 1 : 0);
            for (size_t j = 0; j < keys; j++) powers += exp2(-by * (double)(j % 8));
            for (size_t i = 0; i < 2; i++) chosen += exp2(-by * (double)(positions[i] % 8));
            value += chosen / powers / 4;
        }
        hold(map[row], value, gamma_of(2) * value);
    }
    hold_end(map, rows);
}

/// Products that cancel out exactly, and the largest there are: a key along the query takes all, and no other anything.
void check_whole_scores(void) {
    static const size_t widths[] = {1, 2, 3, 4, 5, 7, 8, 17, 40, 63};
    for (size_t s = 0; s < sizeof widths / sizeof *widths; s++) {
        hold_whole_scores(16, 7, widths[s]);
        hold_whole_scores(144, 12, widths[s]);
    }
    static const int16_t longest[][2] = {{32767, 32285}, {-32767, -32285}, {32285, -32767}, {0, 0}};
    for (int way = 0; way < 4; way++) {
        dseg_fixed q = room_of(16, 1, 2), k = room_of(4, 1, 2);
        for (size_t row = 0; row < 16; row++) {
            memcpy(query(q, row, 0, 0), longest[row % 2], sizeof longest[0]);
            *query_scale(q, row, 0) = 1;
        }
        for (size_t row = 0; row < 4; row++) {
            memcpy(key(k, row, 0, 0), longest[row], sizeof longest[0]);
            *key_scale(k, row, 0) = 1;
        }
        int32_t position = way;
        dseg_phrase phrase = {k, &position, 1};
        float map[16] = {0};
        dseg_score(q, &phrase, 1, 1, map, marked(dseg_score_scratch(4)));
        for (int row = 0; row < 16; row++) hold(map[row], row % 2 == way, 0);
    }
}

// ---- phrases beside each other ----------------------------------------------------------------------------------

/// NaN in a query stays in its map's number; in a key it spoils its phrase alone.
static void check_spoilt(float bad) {
    dseg_matrix x = framed(20, 2, 1.0f), y = framed(3, 2, 1.0f), z = framed(3, 2, 1.0f);
    for (size_t i = 0; i < 20; i++) {
        float *row = (i < 3 ? y : x).base + i * x.stride, *other = x.base + i * x.stride;
        row[0] = other[0] = i == 17 ? NAN : 100.0f * (float)i;
        row[1] = other[1] = 1;
    }
    z.base[z.stride] = bad;
    const int32_t position = 2;
    dseg_phrase phrases[] = {{keys_of(z, 1), &position, 1}, {keys_of(y, 1), &position, 1}};
    float *maps = marked(64);
    memset(maps, 0, 64 * sizeof *maps);
    dseg_score(queries_of(x, 1), phrases, 2, 1, maps, marked(dseg_score_scratch(3)));
    for (size_t i = 0; i < 20; i++) {
        hold(isnan(maps[i]) != 0, 1, 0);
        if (i == 17) hold(isnan(maps[32 + i]) != 0, 1, 0);
        else hold(maps[32 + i], i ? 1 : 1 / 3., i ? 0 : 1e-3);  // a unit is 1 / 230 beside a number of 200
    }
    hold_end(maps, 64);
}

/// A phrase's bits are its own, wherever it stands.
void check_phrases(void) {
    static const size_t keys[] = {77, 1, 6, 7, 13, 40};
    enum { count = 6, rows = 144 };
    dseg_fixed q = queries_of(framed(140, 24, 3.0f), 3);
    dseg_phrase phrases[count], turned[count];
    for (size_t i = 0; i < count; i++) {
        int32_t *positions = take(2 * sizeof *positions);
        positions[0] = (int32_t)keys[i] / 2;
        positions[1] = (int32_t)keys[i] - 1;
        phrases[i] = (dseg_phrase){keys_of(framed(keys[i], 24, 1.0f), 3), positions, 2};
        turned[count - 1 - i] = phrases[i];
    }
    float *scratch = marked(dseg_score_scratch(77)), *maps = marked(3 * count * rows);
    float *backwards = maps + count * rows, *alone = backwards + count * rows;
    memset(maps, 0, 3 * count * rows * sizeof *maps);
    dseg_score(q, phrases, count, 0.3f, maps, scratch);
    dseg_score(q, turned, count, 0.3f, backwards, scratch);
    for (size_t i = 0; i < count; i++) {
        dseg_score(q, phrases + i, 1, 0.3f, alone + i * rows, scratch);
        size_t size = 140 * sizeof *maps;
        hold(memcmp(maps + i * rows, alone + i * rows, size) == 0, 1, 0);
        hold(memcmp(backwards + (count - 1 - i) * rows, alone + i * rows, size) == 0, 1, 0);
    }
    hold_end(maps, 3 * count * rows);
    check_spoilt(NAN);
    check_spoilt(INFINITY);
}
