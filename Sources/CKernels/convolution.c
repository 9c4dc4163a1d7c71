// Which way a convolution goes.
#include "internal.h"

/// Winograd's way needs 3 x 3 windows side by side, and channels enough to fill a panel and repay the transforms.
static bool is_for_winograd(dseg_window window, size_t inputs, size_t outputs) {
    return window.kernel == 3 && window.stride == 1 && inputs >= 16 && outputs >= 16;
}

size_t dseg_convolution_scratch(dseg_window window, size_t inputs, size_t outputs) {
    return is_for_winograd(window, inputs, outputs) ? dseg_winograd_scratch(window, inputs) : dseg_gathering_scratch();
}

void dseg_convolution(dseg_matrix x, dseg_window window, dseg_panels w, const float *bias, dseg_matrix y, bool adding,
                      float *scratch) {
    if (is_for_winograd(window, x.columns, y.columns))
        dseg_winograd_convolution(x, window, w, bias, y, adding, scratch);
    else
        dseg_gathered_convolution(x, window, w, bias, y, adding, scratch);
}
