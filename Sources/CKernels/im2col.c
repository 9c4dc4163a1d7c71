// im2col: the inputs under each position of the kernel as rows of a matrix, whose product with the weights is the
// convolution. Only the rows that are multiplied next are stored.
#include "internal.h"

void dseg_im2col(dseg_matrix x, dseg_window w, size_t pixel, size_t first, size_t count, float *to) {
    size_t inputs = x.columns, scale = w.doubled ? 2 : 1;
    size_t height = w.height * scale, width = w.width * scale;
    size_t top = pixel / w.out_width * w.stride, left = pixel % w.out_width * w.stride;
    for (size_t end = first + count; first < end;) {
        size_t position = first / inputs, channel = first % inputs;
        size_t length = dseg_least(inputs - channel, end - first);
        size_t row = top + position / w.kernel - w.before, column = left + position % w.kernel - w.before;
        if (row < height && column < width)  // unsigned: -1 wraps
            __builtin_memcpy(to, dseg_row(x, row / scale * w.width + column / scale) + channel, length * sizeof(float));
        else __builtin_memset(to, 0, length * sizeof(float));
        first += length;
        to += length;
    }
}
