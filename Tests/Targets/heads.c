// Single heads of self-attention as affinities, against their definition.
#include "targets.h"

#include <string.h>

typedef struct {
    dseg_heads heads;
    dseg_fixed rows, panels;  // of queries, of keys
    dseg_matrix q, k;         // packed, [pixels, heads * width]
    size_t columns;
} layer;

static dseg_matrix packed(size_t rows, size_t columns, float scale) {
    float *base = drawn(rows * columns);
    for (size_t i = 0; i < rows * columns; i++) base[i] *= scale;
    return (dseg_matrix){base, rows, columns, columns};
}

/// A layer, measured.
static layer layer_of(dseg_matrix q, dseg_matrix k, size_t heads, bool fixed) {
    size_t pixels = q.rows, floats = dseg_heads_scratch(pixels, 0);
    layer l = {.q = q, .k = k, .columns = q.columns};
    l.heads = (dseg_heads){.pixels = pixels,
                           .heads = heads,
                           .width = q.columns / heads,
                           .queries = q.base,
                           .keys = k.base,
                           .tops = marked(heads * pixels),
                           .rates = marked(heads * pixels),
                           .gains = marked(heads * pixels)};
    if (fixed) {
        l.rows = keys_of(q, heads);
        l.panels = queries_of(k, heads);
        l.heads.queries = l.rows.values;
        l.heads.keys = l.panels.values;
        l.heads.query_scales = l.rows.scales;
        l.heads.key_scales = l.panels.scales;
    }
    float *scratch = marked(floats);
    dseg_measure_heads(l.heads, scratch);
    hold_end(scratch, floats);
    hold_end(l.heads.tops, heads * pixels);
    hold_end(l.heads.rates, heads * pixels);
    hold_end(l.heads.gains, heads * pixels);
    return l;
}

/// s [keys, queries] <- the exponents of a head's scores: exact products of whole numbers, which keys scale for powers
/// of two, or products in floats with a rounding for each term.
static void score(const layer *l, size_t head, bounded *s) {
    size_t pixels = l->heads.pixels, width = l->heads.width;
    for (size_t key = 0; key < pixels; key++, s += pixels) {
        double top_slack, rate = l->heads.key_scales ? log(2) : 1 / sqrt((double)width);
        if (l->heads.key_scales) scores_of(l->panels, l->rows, key, head, s, &top_slack);
        for (size_t query = 0; query < pixels; query++) {
            double sum = 0, reach = 0;
            for (size_t c = head * width; c < (head + 1) * width && !l->heads.key_scales; c++) {
                double term = at(l->q, query, c) * at(l->k, key, c);
                sum += term;
                reach += fabs(term);
            }
            if (!l->heads.key_scales) s[query] = (bounded){sum, gamma_of((double)width + 1) * reach};
            s[query] = (bounded){s[query].value * rate, s[query].slack * rate};
        }
    }
}

/// links [keys, queries] <- the definition's. An exponent has the errors of its score and of the top one and four
/// roundings of their distance, an exponential adds 2e-7; the sum has its terms' errors and a rounding for each.
static void link_pixels(const layer *l, size_t head, bounded *links) {
    size_t pixels = l->heads.pixels;
    score(l, head, links);
    for (size_t query = 0; query < pixels; query++) {
        double top = -INFINITY, top_slack = 0, sum = 0, error = 0;
        for (bounded *s = links + query; s < links + pixels * pixels; s += pixels) {
            top = larger(top, s->value);
            top_slack = larger(top_slack, s->slack);
        }
        for (bounded *s = links + query; s < links + pixels * pixels; s += pixels) {
            double distance = s->value - top;
            *s = (bounded){exp(distance), s->slack + top_slack + 4 * u * fabs(distance) + 2e-7};
            sum += s->value;
            error += s->value * s->slack;
        }
        error = error / sum + (double)pixels * u;
        for (bounded *s = links + query; s < links + pixels * pixels; s += pixels)
            *s = (bounded){s->value / sum, s->value / sum * expm1(s->slack + error) + 0x1p-125};
    }
    for (size_t key = 0; key < pixels; key++, links += pixels) {
        double most = 0, slack = 0, epsilon = 1e-5f;
        for (size_t query = 0; query < pixels; query++) {
            most = larger(most, links[query].value);
            slack = larger(slack, links[query].slack);
        }
        for (size_t query = 0; query < pixels; query++) {
            double value = links[query].value / (most + epsilon);
            double error = (links[query].slack + value * slack) / (larger(most - slack, 0) + epsilon);
            links[query] = (bounded){value, error + gamma_of(6) * value};
        }
    }
}

/// A map's score of a pixel, or the weight of one `key`: links near the threshold may be there or not.
static bounded mean(const bounded *links, size_t pixels, size_t query, float threshold, const float *map, size_t key) {
    double total = 0, slack = 0, sum = 1e-5f, sum_slack = 0, reach = 0;
    double roundings = fmin((double)pixels, 256) + (double)(pixels / 256) + 5;
    for (size_t j = 0; j < pixels; j++) {
        bounded link = links[j * pixels + query];
        double x = map ? map[j] : j == key;
        if (link.value - link.slack < threshold)
            link = (bounded){0, link.value + link.slack < threshold ? 0 : link.value + link.slack};
        total += link.value * x;
        slack += (link.slack + gamma_of(roundings) * link.value) * fabs(x);
        sum += link.value;
        sum_slack += link.slack + gamma_of((double)pixels / 16 + 18) * link.value;
        reach = larger(reach, fabs(x));
    }
    double error = (slack + fabs(total / sum) * sum_slack) / larger(sum - sum_slack, 5e-6);
    return (bounded){total / sum, fmin(error, 2 * reach) + 0x1p-125};
}

/// Each of `count` labels in company and alone, and a row.
static void hold_head(const layer *l, size_t head, float threshold, size_t count) {
    size_t pixels = l->heads.pixels, groups = (count + 15) / 16, numbers = groups * pixels * 16;
    size_t floats = dseg_heads_scratch(pixels, groups);
    bounded *links = nothing(pixels * pixels);
    float *x = drawn(numbers), *y = marked(numbers), *scratch = marked(floats), *map = marked(pixels);
    float *one = marked(pixels * 16), *alone = marked(pixels * 16), *row = marked(pixels);
    link_pixels(l, head, links);
    dseg_apply_head(l->heads, head, threshold, x, groups, 1, false, y, scratch);
    hold_end(y, numbers);
    hold_end(scratch, floats);
    for (size_t label = 0; label < count; label++) {
        size_t first = label / 16 * pixels * 16 + label % 16;
        memset(one, 0, pixels * 16 * sizeof *one);
        for (size_t i = 0; i < pixels; i++) one[i * 16] = map[i] = x[first + i * 16];
        dseg_apply_head(l->heads, head, threshold, one, 1, 1, false, alone, scratch);
        for (size_t i = 0; i < pixels; i++) {
            bounded e = mean(links, pixels, i, threshold, map, 0);
            hold(y[first + i * 16], e.value, e.slack);
            hold(memcmp(y + first + i * 16, alone + i * 16, sizeof *y) == 0, 1, 0);
        }
    }
    dseg_head_row(l->heads, head, threshold, pixels / 2, row, scratch);
    hold_end(row, pixels);
    for (size_t key = 0; key < pixels; key++) {
        bounded e = mean(links, pixels, pixels / 2, threshold, NULL, key);
        hold(row[key], e.value, e.slack);
    }
}

/// Tiles of 32 rows by 256 columns, odd widths, panels that are not full; flat rows and peaked ones.
void check_links(void) {
    static const size_t shapes[][3] = {{1, 1, 4},   {7, 2, 5},  {16, 1, 8},  {31, 3, 1},
                                       {33, 2, 40}, {65, 1, 7}, {257, 1, 3}, {300, 1, 8}};
    static const float thresholds[] = {0, 0.1f, 0.6f, 1};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t t = 0; t < 16; t++) {
            size_t pixels = shapes[s][0], heads = shapes[s][1], columns = heads * shapes[s][2];
            float magnitude = t % 2 ? 4 : 1;
            dseg_matrix q = packed(pixels, columns, magnitude), k = packed(pixels, columns, magnitude);
            layer l = layer_of(q, k, heads, t / 2 % 2);
            hold_head(&l, heads - 1, thresholds[t / 4], s == 1 ? 33 : 2);
            end_case();
        }
}

/// NaN and infinity in a query or a key spoil every row: they are part of what normalises.
void check_spoilt_links(void) {
    for (size_t t = 0; t < 8; t++) {
        dseg_matrix x[] = {packed(40, 6, 1), packed(40, 6, 1)};
        x[t % 2].base[17 * 6 + 1] = t / 2 % 2 ? NAN : INFINITY;
        layer l = layer_of(x[0], x[1], 1, t / 4);
        float *y = marked(40 * 16);
        dseg_apply_head(l.heads, 0, 0.1f, drawn(40 * 16), 1, 1, false, y, marked(dseg_heads_scratch(40, 1)));
        for (size_t i = 0; i < 40 * 16; i++) hold(isnan(y[i]) != 0, 1, 0);
        end_case();
    }
}
