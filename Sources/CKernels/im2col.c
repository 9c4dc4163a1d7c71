// im2col: the inputs under each position of the kernel as rows of a matrix, whose product with the weights is the
// convolution. Only the rows that are multiplied next are stored.
#include "internal.h"

/// The input pixel under a position of the kernel for an output pixel; NULL in the padding.
static const float *pixel_under(dseg_matrix x, dseg_window w, size_t pixel, size_t position) {
    size_t scale = w.doubled ? 2 : 1;
    size_t row = pixel / w.out_width * w.stride + position / w.kernel - w.before;  // unsigned: -1 wraps
    size_t column = pixel % w.out_width * w.stride + position % w.kernel - w.before;
    bool inside = row < w.height * scale && column < w.width * scale;
    return inside ? dseg_row(x, row / scale * w.width + column / scale) : NULL;
}

void dseg_im2col(dseg_matrix x, dseg_window w, size_t pixel, float *to) {
    for (size_t i = 0; i < w.kernel * w.kernel; i++, to += x.columns) {
        const float *from = pixel_under(x, w, pixel, i);
        if (from) __builtin_memcpy(to, from, x.columns * sizeof(float));
        else __builtin_memset(to, 0, x.columns * sizeof(float));
    }
}

/// to[4 c + ...]: four channels of four positions at a time, transposed; `step` numbers from one channel to the next.
static void interleave(const float *const *from, size_t channels, float *to, size_t step) {
    for (size_t c = 0; c + 4 <= channels; c += 4) {
        f32x4 rows[4];
        for (size_t i = 0; i < 4; i++) rows[i] = from[i] ? *(const f32x4 *)(from[i] + c) : (f32x4){0};
        dseg_transpose(rows);
        for (size_t i = 0; i < 4; i++) *(f32x4 *)(to + (c + i) * step) = rows[i];
    }
}

void dseg_im2col_part(dseg_matrix x, dseg_window w, size_t pixel, size_t first, size_t count, float *to) {
    size_t positions = w.kernel * w.kernel, channel = first / positions, channels = count / positions;
    for (size_t position = 0; position < positions; position += 4) {
        const float *from[4];
        size_t some = dseg_least(4, positions - position), whole = some == 4 ? channels / 4 * 4 : 0;
        for (size_t i = 0; i < some; i++) {
            from[i] = pixel_under(x, w, pixel, position + i);
            if (from[i]) from[i] += channel;
        }
        interleave(from, whole, to + position, positions);
        for (size_t i = 0; i < some; i++)
            for (size_t c = whole; c < channels; c++) to[c * positions + position + i] = from[i] ? from[i][c] : 0.0f;
    }
}
