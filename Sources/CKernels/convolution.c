// Which way a convolution goes: Winograd's, or as a product of im2col's rows.
#include "internal.h"

/// Winograd's way needs 3 x 3 windows side by side, and channels enough to fill a panel and repay the transforms.
bool dseg_is_for_winograd(size_t kernel, size_t stride, size_t inputs, size_t outputs) {
    return kernel == 3 && stride == 1 && inputs >= 16 && outputs >= 16;
}

size_t dseg_convolution_scratch(dseg_window window, size_t inputs, size_t outputs) {
    return dseg_is_for_winograd(window.kernel, window.stride, inputs, outputs)
               ? dseg_winograd_scratch(window, inputs, outputs)
               : dseg_im2col_scratch(window, inputs, outputs);
}

void dseg_convolution(dseg_matrix x, const dseg_gains *gains, dseg_window window, dseg_weights w, const float *bias,
                      dseg_matrix y, bool adding, float *scratch) {
    if (dseg_is_for_winograd(window.kernel, window.stride, x.columns, y.columns))
        dseg_winograd_convolution(x, gains, window, w, bias, y, adding, scratch);
    else dseg_im2col_convolution(x, window, w, bias, y, adding, scratch);
}

size_t dseg_fixed_convolution_scratch(dseg_window window, size_t inputs, size_t outputs) {
    if (dseg_is_for_winograd(window.kernel, window.stride, inputs, outputs))
        return dseg_winograd_fixed_scratch(window, inputs);
    return dseg_im2col_fixed_scratch(window.out_height * window.out_width, window.kernel * window.kernel * inputs);
}

void dseg_fixed_convolution(dseg_matrix x, const dseg_gains *gains, dseg_window window, dseg_panels w,
                            const float *bias, dseg_matrix y, bool adding, float *scratch) {
    if (dseg_is_for_winograd(window.kernel, window.stride, x.columns, y.columns))
        dseg_winograd_fixed_convolution(x, gains, window, w, bias, y, adding, scratch);
    else dseg_im2col_fixed_convolution(x, window, w, bias, y, adding, scratch);
}
