// Cross-attention scores of words against a picture's cached queries, both in fixed point, sixteen queries at a time;
// and completion, the product of cached self-attention with score maps, sixteen labels at a time.
#include "internal.h"

enum { lanes = 16 };

size_t dseg_fixed_rows(size_t rows) { return dseg_parts(rows, lanes) * lanes; }

static size_t pairs_of(dseg_fixed f) { return dseg_parts(f.width, 2); }

size_t dseg_fixed_numbers(size_t rows, size_t heads, size_t width) { return rows * heads * (dseg_parts(width, 2) * 2); }

typedef struct {
    dseg_matrix x;
    dseg_fixed y;
} quantization;

/// Sixteen queries: [heads, pairs, 16, 2], scales [heads, 16].
static void quantize_queries_task(void *context, size_t panel, size_t thread) {
    (void)thread;
    const quantization *q = context;
    size_t size = 2 * pairs_of(q->y) * lanes;
    float rate = 1.44269504f / __builtin_sqrtf((float)q->y.width);
    for (size_t lane = 0; lane < lanes && panel * lanes + lane < q->x.rows; lane++) {
        const float *x = dseg_row(q->x, panel * lanes + lane);
        for (size_t head = 0; head < q->y.heads; head++) {
            size_t place = panel * q->y.heads + head;
            int16_t *values = q->y.values + place * size + 2 * lane;
            q->y.scales[place * lanes + lane] =
                rate * dseg_simd->quantize(x + head * q->y.width, q->y.width, values, 2 * lanes);
        }
    }
}

void dseg_quantize_queries(dseg_matrix q, dseg_fixed y) {
    quantization task = {q, y};
    dseg_parallel(dseg_parts(q.rows, lanes), quantize_queries_task, &task);
}

void dseg_quantize_keys(dseg_matrix k, dseg_fixed y) {
    size_t size = 2 * pairs_of(y);
    for (size_t head = 0; head < y.heads; head++) {
        for (size_t row = 0; row < k.rows; row++) {
            size_t place = head * k.rows + row;
            const float *x = dseg_row(k, row) + head * y.width;
            y.scales[place] = dseg_simd->quantize(x, y.width, y.values + place * size, 2);
        }
    }
}

/// Sixteen queries of a head beside the keys of one prompt.
static dseg_keys_beside keys_beside(const dseg_fixed *q, const dseg_fixed *k, size_t panel, size_t head,
                                    float *scores) {
    size_t pairs = pairs_of(*q), place = panel * q->heads + head;
    return (dseg_keys_beside){.queries = q->values + place * 2 * pairs * lanes,
                              .keys = k->values + head * k->rows * 2 * pairs,
                              .query_scales = q->scales + place * lanes,
                              .key_scales = k->scales + head * k->rows,
                              .count = k->rows,
                              .pairs = pairs,
                              .scores = scores};
}

typedef struct {
    dseg_fixed q;
    const dseg_phrase *phrases;
    size_t count;
    const size_t *ends;  // of the labels that have one softmax; NULL: each phrase has its own
    size_t labels;
    float share;
    float *maps, *scratch;
} scoring;

/// Panels of queries of a task (loop blocking): a phrase's keys of one head stay in the cache for all of them.
enum { task_panels = 8 };

/// A thread's scratch for a softmax of all labels: scores of one phrase, and the sums of all of a task.
static size_t joint_floats(size_t keys, size_t count) {
    return keys * lanes + count * task_panels * (sizeof(dseg_score_sums) / sizeof(float));
}

static size_t most_keys(const scoring *s) {
    size_t most = 0;
    for (size_t i = 0; i < s->count; i++) most = dseg_greatest(most, s->phrases[i].keys.rows);
    return most;
}

static void score_task(void *context, size_t task, size_t thread) {
    const scoring *s = context;
    size_t most = most_keys(s);
    size_t first = task * task_panels, end = dseg_least(first + task_panels, s->q.rows / lanes);
    float *scores = s->scratch + thread * (s->ends ? joint_floats(most, s->count) : most * lanes);
    dseg_score_sums *sums = (dseg_score_sums *)(scores + most * lanes);
    for (size_t head = 0; head < s->q.heads; head++) {
        float share = s->share / (float)s->q.heads;
        for (size_t i = 0; i < s->count; i++) {
            const dseg_phrase *phrase = s->phrases + i;
            for (size_t panel = first; panel < end; panel++) {
                dseg_keys_beside keys = keys_beside(&s->q, &phrase->keys, panel, head, scores);
                keys.positions = phrase->positions;
                keys.position_count = phrase->position_count;
                if (s->ends) dseg_simd->sum_scores(&keys, sums + i * task_panels + panel - first);
                else
                    dseg_simd->score(&keys, share / (float)phrase->position_count,
                                     s->maps + i * s->q.rows + panel * lanes);
            }
        }
        for (size_t panel = first; s->ends && panel < end; panel++) {
            dseg_joined_labels labels = {.phrases = s->phrases,
                                         .ends = s->ends,
                                         .labels = s->labels,
                                         .step = task_panels,
                                         .stride = s->q.rows,
                                         .sums = sums + panel - first,
                                         .share = share,
                                         .maps = s->maps + panel * lanes};
            dseg_simd->join(&labels);
        }
    }
}

size_t dseg_score_scratch(size_t keys) { return dseg_threads() * keys * lanes; }

void dseg_score(dseg_fixed q, const dseg_phrase *phrases, size_t count, float share, float *maps, float *scratch) {
    scoring s = {q, phrases, count, NULL, 0, share, maps, scratch};
    dseg_parallel(dseg_parts(q.rows / lanes, task_panels), score_task, &s);
}

size_t dseg_score_jointly_scratch(size_t keys, size_t count) { return dseg_threads() * joint_floats(keys, count); }

void dseg_score_jointly(dseg_fixed q, const dseg_phrase *phrases, const size_t *ends, size_t labels, float share,
                        float *maps, float *scratch) {
    scoring s = {q, phrases, ends[labels - 1], ends, labels, share, maps, scratch};
    dseg_parallel(dseg_parts(q.rows / lanes, task_panels), score_task, &s);
}

typedef struct {
    dseg_fixed q, keys;
    const float *shares;
    float *maps, *scratch;
} token_scoring;

static void score_tokens_task(void *context, size_t task, size_t thread) {
    const token_scoring *s = context;
    size_t first = task * task_panels, end = dseg_least(first + task_panels, s->q.rows / lanes);
    float *scores = s->scratch + thread * s->keys.rows * lanes;
    for (size_t head = 0; head < s->q.heads; head++) {
        if (s->shares[head] == 0.0f) continue;
        for (size_t panel = first; panel < end; panel++) {
            dseg_keys_beside keys = keys_beside(&s->q, &s->keys, panel, head, scores);
            dseg_simd->score_all(&keys, s->shares[head], s->maps + panel * lanes, s->q.rows);
        }
    }
}

void dseg_score_tokens(dseg_fixed q, dseg_fixed keys, const float *shares, float *maps, float *scratch) {
    token_scoring s = {q, keys, shares, maps, scratch};
    dseg_parallel(dseg_parts(q.rows / lanes, task_panels), score_tokens_task, &s);
}

/// Rows of self-attention of a task.
enum { strip_rows = 48 };

typedef struct {
    dseg_matrix x;
    bool roots;
    uint16_t *y;
    float *scales;
} quantized_rows;

static void quantize_task(void *context, size_t strip, size_t thread) {
    (void)thread;
    const quantized_rows *q = context;
    size_t row = strip * strip_rows, end = dseg_least(row + strip_rows, q->x.rows);
    for (; row < end; row++)
        q->scales[row] =
            dseg_simd->quantize_unsigned(dseg_row(q->x, row), q->x.columns, q->roots, q->y + row * q->x.columns);
}

void dseg_quantize_unsigned(dseg_matrix x, bool roots, uint16_t *y, float *scales) {
    quantized_rows q = {x, roots, y, scales};
    dseg_parallel(dseg_parts(x.rows, strip_rows), quantize_task, &q);
}

typedef struct {
    const uint16_t *s;
    size_t rows, columns;
    bool roots;
    float *scales;
} unit_rows;

static void unit_scales_task(void *context, size_t strip, size_t thread) {
    (void)thread;
    const unit_rows *u = context;
    size_t row = strip * strip_rows, end = dseg_least(row + strip_rows, u->rows);
    for (; row < end; row++) {
        const uint16_t *s = u->s + row * u->columns;
        uint64_t sum = 0;
        for (size_t i = 0; i < u->columns; i++) sum += u->roots ? (uint32_t)s[i] * s[i] : s[i];
        if (sum > 0) u->scales[row] = (float)(1 / (u->roots ? __builtin_sqrt((double)sum) : (double)sum));
    }
}

void dseg_unit_scales(const uint16_t *s, size_t rows, size_t columns, bool roots, float *scales) {
    unit_rows u = {s, rows, columns, roots, scales};
    dseg_parallel(dseg_parts(rows, strip_rows), unit_scales_task, &u);
}

typedef struct {
    const uint16_t *s;
    bool roots;
    const float *scales;
    size_t pixels, count;
    const float *maps;  // [pixels, 16]
    float *y;
} completion;

/// Columns of self-attention that are added up at a time: blocked summation, for a smaller rounding error.
enum { chunk = 256 };

static void complete_task(void *context, size_t strip, size_t thread) {
    (void)thread;
    const completion *c = context;
    size_t row = strip * strip_rows, rows = dseg_least(strip_rows, c->pixels - row);
    float sums[strip_rows * lanes] = {0};
    for (size_t column = 0; column < c->pixels; column += chunk)
        dseg_simd->complete(c->s + row * c->pixels + column, c->roots, c->pixels, rows,
                            dseg_least(chunk, c->pixels - column), c->maps + column * lanes, sums);
    for (size_t label = 0; label < c->count; label++) {
        float *y = c->y + label * c->pixels + row;
        for (size_t i = 0; i < rows; i++) {
            float scale = c->scales[row + i], sum = sums[i * lanes + label] * scale;
            y[i] = c->roots ? sum * scale : sum;
        }
    }
}

size_t dseg_complete_scratch(size_t pixels) { return pixels * lanes; }

void dseg_complete(const uint16_t *s, bool roots, const float *scales, size_t pixels, const float *maps, size_t count,
                   float *y, float *scratch) {
    for (size_t first = 0; first < count; first += lanes) {
        completion c = {s, roots, scales, pixels, dseg_least(lanes, count - first), scratch, y + first * pixels};
        for (size_t i = 0; i < pixels; i++)
            for (size_t label = 0; label < lanes; label++)
                scratch[i * lanes + label] = label < c.count ? maps[(first + label) * pixels + i] : 0.0f;
        dseg_parallel(dseg_parts(pixels, strip_rows), complete_task, &c);
    }
}
