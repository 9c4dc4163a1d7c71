// Stored numbers to f32, exactly.
#include "internal.h"

const float *dseg_widened(const void *base, dseg_number number, size_t first, size_t count, float *buffer) {
    switch (number) {
    case dseg_f32: return (const float *)base + first;
    case dseg_f16: dseg_simd->widen_f16((const uint16_t *)base + first, buffer, count); break;
    case dseg_bf16: dseg_simd->widen_bf16((const uint16_t *)base + first, buffer, count); break;
    case dseg_fixed16: break;  // integers are never widened
    }
    return buffer;
}

const float *dseg_widened_panel(dseg_panels w, size_t panel, size_t input, size_t count, float *buffer) {
    size_t first = (panel * w.inputs + input) * dseg_panel_width;
    return dseg_widened(w.base, w.number, first, count * dseg_panel_width, buffer);
}

const float *dseg_widened_rows(dseg_weights w, size_t row, size_t rows, size_t first, size_t count, float *buffer,
                               size_t *stride) {
    size_t start = row * w.inputs + first;
    *stride = w.number == dseg_f32 ? w.inputs : count;
    for (size_t i = 0; i < rows && w.number != dseg_f32; i++)
        dseg_widened(w.base, w.number, start + i * w.inputs, count, buffer + i * count);
    return w.number == dseg_f32 ? (const float *)w.base + start : buffer;
}
