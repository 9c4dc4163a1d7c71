// Stored numbers to bfloat16, for the processors that multiply it.
#include "internal.h"

/// Numbers that are widened and rounded at a time.
enum { part = 64 * dseg_panel_width };

void dseg_narrow_to_bf16(const void *stored, dseg_number number, size_t count, uint16_t *halves) {
    float buffer[part];
    for (size_t i = 0; i < count; i += part) {
        size_t length = dseg_least(part, count - i);
        dseg_pairs->narrow(dseg_widened(stored, number, i, length, buffer), halves + i, length);
    }
}

void dseg_narrow_to_pairs(const void *panels, dseg_number number, size_t count, size_t inputs, uint16_t *pairs) {
    uint16_t rows[2 * dseg_panel_width];
    for (size_t panel = 0; panel < count; panel++) {
        for (size_t input = 0; input < inputs; input += 2, pairs += 2 * dseg_panel_width) {
            size_t length = dseg_least(2, inputs - input) * dseg_panel_width;
            size_t first = (panel * inputs + input) * dseg_panel_width * (number == dseg_f32 ? 4 : 2);
            __builtin_memset(rows, 0, sizeof rows);
            dseg_narrow_to_bf16((const uint8_t *)panels + first, number, length, rows);
            for (size_t o = 0; o < dseg_panel_width; o++) {
                pairs[2 * o] = rows[o];
                pairs[2 * o + 1] = rows[dseg_panel_width + o];
            }
        }
    }
}
