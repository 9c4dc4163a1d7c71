// Which way a convolution goes, and what lies under its kernel.
#include "internal.h"

/// Winograd's way needs 3 x 3 windows side by side, and channels enough to fill a panel and repay the transforms.
bool dseg_is_for_winograd(size_t kernel, size_t stride, size_t inputs, size_t outputs) {
    return kernel == 3 && stride == 1 && inputs >= 16 && outputs >= 16;
}

size_t dseg_convolution_scratch(dseg_window window, size_t inputs, size_t outputs) {
    if (dseg_is_for_winograd(window.kernel, window.stride, inputs, outputs))
        return dseg_winograd_scratch(window, inputs);
    size_t fixed = dseg_gathered_fixed_scratch(window.out_height * window.out_width,
                                               window.kernel * window.kernel * inputs);
    return fixed > dseg_gathering_scratch() ? fixed : dseg_gathering_scratch();
}

void dseg_convolution(dseg_matrix x, dseg_window window, dseg_panels w, const float *bias, dseg_matrix y, bool adding,
                      float *scratch) {
    if (dseg_is_for_winograd(window.kernel, window.stride, x.columns, y.columns))
        dseg_winograd_convolution(x, NULL, window, w, bias, y, adding, scratch);
    else if (w.number == dseg_fixed16)
        dseg_gathered_fixed_convolution(x, window, w, bias, y, adding, scratch);
    else
        dseg_gathered_convolution(x, window, w, bias, y, adding, scratch);
}

void dseg_normalized_convolution(dseg_matrix x, dseg_gains gains, dseg_window window, dseg_panels w, const float *bias,
                                 dseg_matrix y, bool adding, float *scratch) {
    dseg_winograd_convolution(x, &gains, window, w, bias, y, adding, scratch);
}

void dseg_gather(dseg_matrix x, dseg_window w, size_t pixel, size_t first, size_t count, float *to) {
    size_t inputs = x.columns, scale = w.doubled ? 2 : 1;
    size_t height = w.height * scale, width = w.width * scale;
    size_t top = pixel / w.out_width * w.stride, left = pixel % w.out_width * w.stride;
    for (size_t end = first + count; first < end;) {
        size_t position = first / inputs, channel = first % inputs;
        size_t length = dseg_least(inputs - channel, end - first);
        size_t row = top + position / w.kernel - w.before, column = left + position % w.kernel - w.before;
        if (row < height && column < width)                                          // they wrap below zero
            __builtin_memcpy(to, dseg_row(x, row / scale * w.width + column / scale) + channel, length * sizeof(float));
        else
            __builtin_memset(to, 0, length * sizeof(float));
        first += length;
        to += length;
    }
}
