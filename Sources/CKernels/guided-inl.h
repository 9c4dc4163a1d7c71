// Rows of the guided filter, four maps at a time, a map in each lane. Included after lanes-inl.h.
//
// Sums of four maps over the rows of a box lie [columns, 4 terms, 4 maps], and running over the columns of a box needs
// no shuffles. They are whole multiples of a power of two below 2^53 times it (guided.c), so they are exact, in
// whatever order they are formed.

typedef double f64x4 __attribute__((vector_size(32), aligned(8)));
typedef int32_t i32x4 __attribute__((vector_size(16), aligned(4)));
typedef int64_t i64x4 __attribute__((vector_size(32), aligned(8)));

INLINE f64x4 load_f64(const double *x) { return *(const f64x4 *)x; }
INLINE void store_f64(double *y, f64x4 x) { *(f64x4 *)y = x; }

/// Brings the sums of columns x ..< x + 4 up to the row.
typedef void (*slider)(const void *row, size_t x, double *sums);
/// Takes the sums [4 columns, 4] over the boxes around columns x ..< x + 4.
typedef void (*taker)(const void *row, size_t x, f64x4 (*boxes)[4]);

/// Slides sums [columns] and, where the boxes are wanted, takes them as soon as the columns up to `radius` ahead are
/// there: what is written then is read from the L1 cache. Beside the row there are zeros.
INLINE void slide_row(const void *row, size_t width, size_t radius, double *sums, bool wanted, slider slide,
                      taker take) {
    size_t columns = (width + 3) / 4 * 4, lead = (radius + 3) / 4 * 4;
    f64x4 box[4] = {{0}};
    for (size_t ahead = 0; ahead < columns + (wanted ? lead : 0); ahead += 4) {
        if (ahead < columns) slide(row, ahead, sums + 16 * ahead);
        if (!wanted) continue;
        const double *entering = sums + 16 * (ptrdiff_t)(ahead + radius - lead);
        const double *leaving = entering - 16 * (2 * radius + 1);
        f64x4 boxes[4][4];
#pragma clang loop unroll(full)
        for (size_t i = 0; i < 16; i++) {
            box[i % 4] += load_f64(entering + 4 * i) - load_f64(leaving + 4 * i);
            boxes[i / 4][i % 4] = box[i % 4];
        }
        if (ahead >= lead) take(row, ahead - lead, boxes);
    }
}

/// sums [4] ← sums + in guide_in - out guide_out
INLINE void slide_products(f64x4 in, const double *guide_in, f64x4 out, const double *guide_out, double *sums) {
    for (size_t k = 0; k < 4; k++)
        store_f64(sums + 4 * k, load_f64(sums + 4 * k) + (in * guide_in[k] - out * guide_out[k]));
}

static void guide_row(const uint8_t *rgb, double *y, size_t count) {
    for (size_t x = 0; x < count; x++) {
        y[4 * x] = 1;
        for (size_t c = 0; c < 3; c++) y[4 * x + c + 1] = rgb[3 * x + c] * 0x1p-8;
    }
}

INLINE void slide_guide(const void *job, size_t x, double *sums) {
    const dseg_guide_row *r = job;
    for (size_t i = 4 * x; i < 4 * x + 16; i += 4, sums += 16)
        slide_products(load_f64(r->in + i), r->in + i, load_f64(r->out + i), r->out + i, sums);
}

/// A column in each lane: Cramer's rule for the colours' covariance, and the Schur complement for the rest.
INLINE void invert_boxes(const void *job, size_t x, f64x4 (*boxes)[4]) {
    const dseg_guide_row *row = job;
    f64x4 s[4][4];
    for (size_t k = 0; k < 4; k++) {
        for (size_t i = 0; i < 4; i++) s[k][i] = boxes[i][k];
        DSEG_TRANSPOSE(f64x4, s[k])
    }
    f64x4 n = 1 / s[0][0], r = s[0][1] * n, g = s[0][2] * n, b = s[0][3] * n;
    f64x4 rr = s[1][1] * n - r * r + row->epsilon, rg = s[1][2] * n - r * g, rb = s[1][3] * n - r * b;
    f64x4 gg = s[2][2] * n - g * g + row->epsilon, gb = s[2][3] * n - g * b, bb = s[3][3] * n - b * b + row->epsilon;
    f64x4 i_rr = gg * bb - gb * gb, i_rg = rb * gb - rg * bb, i_rb = rg * gb - rb * gg;
    f64x4 over = n / (rr * i_rr + rg * i_rg + rb * i_rb);
    f64x4 i_gg = (rr * bb - rb * rb) * over, i_gb = (rg * rb - rr * gb) * over, i_bb = (rr * gg - rg * rg) * over;
    i_rr *= over, i_rg *= over, i_rb *= over;
    f64x4 i_r = i_rr * r + i_rg * g + i_rb * b, i_g = i_rg * r + i_gg * g + i_gb * b,
          i_b = i_rb * r + i_gb * g + i_bb * b;
    f64x4 all[] = {n + r * i_r + g * i_g + b * i_b, -i_r, -i_g, -i_b, i_rr, i_rg, i_rb, i_gg, i_gb, i_bb};
    i64x4 inside = (i64x4){0, 1, 2, 3} < (int64_t)(row->width - x);
    for (size_t i = 0; i < 10; i++) store_f64(row->inverse + 10 * x + 4 * i, (f64x4)((i64x4)all[i] & inside));
}

static void invert(const dseg_guide_row *job) {
    const dseg_guide_row row = *job;
    slide_row(&row, row.width, row.radius, row.sums, row.inverse, slide_guide, invert_boxes);
}

/// Four numbers of a row of four maps each, quantized to multiples of 2^-24, which beside 1.5 * 2^28 is a double's last
/// bit; a column in each of y.
INLINE void load_scores(const float *const *rows, size_t x, f64x4 *y) {
    f32x4 columns[4];
    for (size_t k = 0; k < 4; k++) columns[k] = *(const f32x4 *)(rows[k] + x);
    dseg_transpose(columns);
    for (size_t i = 0; i < 4; i++) y[i] = __builtin_convertvector(columns[i], f64x4) + 0x1.8p28 - 0x1.8p28;
}

INLINE void slide_maps(const void *job, size_t x, double *sums) {
    const dseg_map_rows *r = job;
    f64x4 in[4], out[4];
    load_scores(r->in, x, in);
    load_scores(r->out, x, out);
    for (size_t i = 0; i < 4; i++)
        slide_products(in[i], r->guide.in + 4 * (x + i), out[i], r->guide.out + 4 * (x + i), sums + 16 * i);
}

/// The coefficients of four columns in multiples of 2^-20, which beside 1.5 * 2^32 is a double's last bit.
INLINE void fit_boxes(const void *job, size_t x, f64x4 (*boxes)[4]) {
    const dseg_map_rows *r = job;
    static const uint8_t upper[4][4] = {{0, 1, 2, 3}, {1, 4, 5, 6}, {2, 5, 7, 8}, {3, 6, 8, 9}};
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 16; i++) {
        const double *inverse = r->guide.inverse + 10 * x + i / 4;
        f64x4 sum = boxes[i / 4][0] * inverse[4 * upper[i % 4][0]];
#pragma clang loop unroll(full)
        for (size_t k = 1; k < 4; k++) sum += boxes[i / 4][k] * inverse[4 * upper[i % 4][k]];
        *(i32x4 *)(r->fits + 16 * x + 4 * i) = __builtin_convertvector((i64x4)(sum + 0x1.8p32), i32x4);
    }
}

static void fit(const dseg_map_rows *job) {
    const dseg_map_rows rows = *job;
    slide_row(&rows, rows.guide.width, rows.guide.radius, rows.sums, rows.fits, slide_maps, fit_boxes);
}

INLINE void slide_fits(const void *job, size_t x, double *sums) {
    const dseg_fit_rows *r = job;
    // The row that leaves was written 2 radius + 1 rows ago, and lies in no near cache.
    for (size_t i = 0; i < 64; i += 16) __builtin_prefetch(r->out + 16 * (x + 32) + i);
    for (size_t i = 0; i < 64; i += 4) {
        i32x4 difference = *(const i32x4 *)(r->in + 16 * x + i) - *(const i32x4 *)(r->out + 16 * x + i);
        store_f64(sums + i, load_f64(sums + i) + __builtin_convertvector(difference, f64x4));
    }
}

INLINE void predict_boxes(const void *job, size_t x, f64x4 (*boxes)[4]) {
    const dseg_fit_rows *r = job;
    f32x4 y[4];
    for (size_t i = 0; i < 4; i++) {
        const double *guide = r->guide + 4 * (x + i);
        f64x4 sum = boxes[i][0] * guide[0];
        for (size_t k = 1; k < 4; k++) sum += boxes[i][k] * guide[k];
        y[i] = __builtin_convertvector(sum * (r->rates[x + i] * r->rate), f32x4);
    }
    dseg_transpose(y);
    for (size_t k = 0; k < r->maps; k++) {
        if (x + 4 <= r->width) *(f32x4 *)(r->y[k] + x) = y[k];
        else __builtin_memcpy(r->y[k] + x, y + k, (r->width - x) * sizeof(float));
    }
}

static void predict(const dseg_fit_rows *job) {
    const dseg_fit_rows rows = *job;
    slide_row(&rows, rows.width, rows.radius, rows.sums, rows.guide, slide_fits, predict_boxes);
}
