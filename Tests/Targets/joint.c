// Labels that have one softmax, against its definition.
#include "targets.h"

#include <string.h>

enum { most_phrases = 6 };

/// Labels of one phrase and of several; each has two positions, or one where there is one key.
typedef struct {
    size_t labels, ends[most_phrases];
    dseg_phrase phrases[most_phrases];
} question;

static size_t count_of(const question *a) { return a->ends[a->labels - 1]; }

static question ask(const size_t *sizes, size_t labels, size_t columns, size_t heads) {
    static const size_t keys[most_phrases] = {77, 1, 6, 7, 13, 40};
    question a = {.labels = labels};
    for (size_t label = 0, i = 0; label < labels; label++) {
        a.ends[label] = i + sizes[label];
        for (; i < a.ends[label]; i++) {
            int32_t *positions = take(2 * sizeof *positions);
            positions[0] = (int32_t)keys[i] / 2;
            positions[1] = (int32_t)keys[i] - 1;
            a.phrases[i] =
                (dseg_phrase){keys_of(framed(keys[i], columns, 1.0f), heads), positions, keys[i] > 1 ? 2 : 1};
        }
    }
    return a;
}

/// The same labels, the last one first.
static question turned(const question *a) {
    question b = {.labels = a->labels};
    for (size_t label = 0, i = 0; label < a->labels; label++) {
        size_t from = a->labels - 1 - label, first = from ? a->ends[from - 1] : 0;
        for (size_t j = first; j < a->ends[from]; j++) b.phrases[i++] = a->phrases[j];
        b.ends[label] = i;
    }
    return b;
}

/// maps [phrases, q.rows] <- zeros plus the scores.
static float *score(dseg_fixed q, const question *a, float share) {
    size_t count = count_of(a), floats = dseg_score_jointly_scratch(77, count);
    float *maps = marked(count * q.rows), *scratch = marked(floats);
    memset(maps, 0, count * q.rows * sizeof *maps);
    dseg_score_jointly(q, a->phrases, a->ends, a->labels, share, maps, scratch);
    hold_end(maps, count * q.rows);
    hold_end(scratch, floats);
    return maps;
}

// ---- the definition ---------------------------------------------------------------------------------------------

/// The sums of 2^(score - top) over all keys of a phrase and over its own; the slack is relative. A power has the
/// errors of its score, of the way to its own top and of the way from there to the other's, there and back: three
/// roundings of distances, and three times 2e-7.
static void sums_of(dseg_fixed q, dseg_phrase phrase, size_t row, size_t head, double top, bounded *all, bounded *own) {
    bounded *p = nothing(phrase.keys.rows);
    double top_slack, own_top = scores_of(q, phrase.keys, row, head, p, &top_slack);
    *all = *own = (bounded){0, 0};
    for (size_t j = 0; j < phrase.keys.rows; j++) {
        double way = fabs(p[j].value - own_top) + 2 * fabs(own_top - top);
        p[j] = (bounded){exp2(p[j].value - top), (p[j].slack + top_slack + u * way) * 0.6932 + 6e-7};
        all->value += p[j].value;
        all->slack += p[j].value * p[j].slack;
    }
    for (size_t i = 0; i < phrase.position_count; i++) {
        own->value += p[phrase.positions[i]].value;
        own->slack += p[phrase.positions[i]].value * p[phrase.positions[i]].slack;
    }
    all->slack = all->slack / all->value + gamma_of((double)phrase.keys.rows);
    own->slack = own->slack / own->value + gamma_of((double)phrase.position_count);
}

/// The share of a phrase's mean over heads and positions; each phrase's weight is cut to a multiple of 2^-48.
static bounded expected(dseg_fixed q, const question *a, size_t label, size_t i, float share, size_t row) {
    bounded sum = {0, 0};
    for (size_t head = 0; head < q.heads; head++) {
        bounded *all = nothing(count_of(a)), *own = nothing(count_of(a));
        double top = -INFINITY, slack;
        for (size_t j = 0; j < count_of(a); j++)
            top = larger(top, scores_of(q, a->phrases[j].keys, row, head, nothing(77), &slack));
        for (size_t j = 0; j < count_of(a); j++) sums_of(q, a->phrases[j], row, head, top, all + j, own + j);
        double total = all[i].value, error = all[i].value * all[i].slack;
        for (size_t other = 0, j = 0; other < a->labels; other++) {
            size_t first = j;
            for (; j < a->ends[other]; j++) {
                double weight = own[j].value / (double)(a->ends[other] - first);
                if (other == label) continue;
                total += weight;
                error += weight * (own[j].slack + gamma_of(6)) + 0x1p-48;
            }
        }
        double part = share / (double)q.heads / (double)a->phrases[i].position_count,
               value = own[i].value / total * part;
        sum.value += value;
        sum.slack += value * (expm1(own[i].slack + error / total) + gamma_of((double)q.heads + 6)) + 0x1p-125;
    }
    return sum;
}

/// Odd widths, panels that are not full, more than a task's eight; one label, several phrases, and both.
void check_joint_scores(void) {
    static const size_t shapes[][3] = {{1, 1, 4}, {17, 2, 5}, {16, 1, 8}, {140, 3, 7}, {33, 2, 1}};
    static const size_t sizes[][4] = {{1}, {3}, {1, 1}, {1, 1, 1, 1}, {2, 1, 3}};
    static const size_t labels[] = {1, 1, 2, 4, 3};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (size_t t = 0; t < sizeof labels / sizeof *labels; t++) {
            size_t rows = shapes[s][0], heads = shapes[s][1], columns = heads * shapes[s][2];
            dseg_fixed q = queries_of(framed(rows, columns, 4.0f), heads);
            question a = ask(sizes[t], labels[t], columns, heads);
            float *maps = score(q, &a, 0.7f);
            for (size_t label = 0, i = 0; label < a.labels; label++)
                for (; i < a.ends[label]; i++)
                    for (size_t row = 0; row<rows; row += rows> 40 ? 11 : 1) {
                        bounded e = expected(q, &a, label, i, 0.7f, row);
                        hold(maps[i * q.rows + row], e.value, e.slack);
                    }
        }
}

// ---- labels beside each other -----------------------------------------------------------------------------------

/// NaN in a phrase's own key spoils it and all other labels, but no phrase beside it; NaN in a query its own place.
static void check_spoilt(float bad) {
    static const size_t sizes[] = {2, 1, 1};
    dseg_matrix x = framed(20, 4, 1.0f), y = framed(6, 4, 1.0f);
    x.base[17 * x.stride] = NAN;
    dseg_fixed q = queries_of(x, 1);
    question a = ask(sizes, 3, 4, 1);
    float *maps = score(q, &a, 1);
    for (size_t i = 0; i < 4; i++)
        for (size_t row = 0; row < 20; row++) hold(isnan(maps[i * q.rows + row]) != 0, row == 17, 0);
    y.base[0] = bad;
    a.phrases[1].keys = keys_of(y, 1);
    maps = score(q, &a, 1);
    for (size_t i = 0; i < 4; i++)
        for (size_t row = 0; row < 20; row++) hold(isnan(maps[i * q.rows + row]) != 0, i > 0 || row == 17, 0);
}

/// Neither the order of labels nor, for a label alone, the others that there are not, change a bit; scores of thousands
/// leave one label its own.
void check_labels(void) {
    enum { rows = 144 };
    static const size_t sizes[][4] = {{1, 2, 1, 2}, {6}};
    dseg_fixed q = queries_of(framed(140, 24, 3.0f), 3);
    question a = ask(sizes[0], 4, 24, 3), b = turned(&a), alone = ask(sizes[1], 1, 24, 3);
    float *maps = score(q, &a, 0.3f), *backwards = score(q, &b, 0.3f), *one = score(q, &alone, 0.3f);
    static const size_t places[] = {5, 3, 4, 2, 0, 1};  // in b, of a's phrases
    for (size_t i = 0; i < 6; i++)
        hold(memcmp(maps + i * rows, backwards + places[i] * rows, 140 * sizeof *maps) == 0, 1, 0);
    float *own = marked(6 * rows);
    memset(own, 0, 6 * rows * sizeof *own);
    dseg_score(q, alone.phrases, 6, 0.3f, own, marked(dseg_score_scratch(77)));
    for (size_t i = 0; i < 6; i++) hold(memcmp(own + i * rows, one + i * rows, 140 * sizeof *own) == 0, 1, 0);

    dseg_fixed far = queries_of(framed(20, 24, 1e6f), 3);
    float *sure = score(far, &a, 1);
    for (size_t row = 0; row < 20; row++) {
        double sum = 0;
        for (size_t i = 0; i < 6; i++) sum += sure[i * far.rows + row];
        hold(sum, 1, 1.001);  // 0 to 2: no NaN
    }
    check_spoilt(NAN);
    check_spoilt(INFINITY);
}
