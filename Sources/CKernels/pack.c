// Weight matrices into panels: transposes 2- or 4-byte elements, 16 outputs wide.
#include "kernels.h"
#include "weights.h"

#include <string.h>

/// Bytes of a square block's row: one SSE or NEON register.
enum { vector_bytes = 16 };

typedef uint16_t eight_halves __attribute__((vector_size(vector_bytes)));
typedef uint32_t four_words __attribute__((vector_size(vector_bytes)));

// Interleaving rows i and i + n/2 (unpcklps, unpckhps) transposes [n, n] in log2(n) rounds.

/// columns[j] ← the j-th elements of 8 rows that begin `row_bytes` apart.
static inline void transpose_halves(const uint8_t *rows, size_t row_bytes, uint8_t *const columns[]) {
    eight_halves now[8], next[8];
    for (int i = 0; i < 8; i++) memcpy(&now[i], rows + (size_t)i * row_bytes, vector_bytes);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++) {
            next[2 * i] = __builtin_shufflevector(now[i], now[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
            next[2 * i + 1] = __builtin_shufflevector(now[i], now[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
        }
        memcpy(now, next, sizeof now);
    }
    for (int i = 0; i < 8; i++) memcpy(columns[i], &now[i], vector_bytes);
}

/// columns[j] ← the j-th elements of 4 rows that begin `row_bytes` apart.
static inline void transpose_words(const uint8_t *rows, size_t row_bytes, uint8_t *const columns[]) {
    four_words now[4], next[4];
    for (int i = 0; i < 4; i++) memcpy(&now[i], rows + (size_t)i * row_bytes, vector_bytes);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2; i++) {
            next[2 * i] = __builtin_shufflevector(now[i], now[i + 2], 0, 4, 1, 5);
            next[2 * i + 1] = __builtin_shufflevector(now[i], now[i + 2], 2, 6, 3, 7);
        }
        memcpy(now, next, sizeof now);
    }
    for (int i = 0; i < 4; i++) memcpy(columns[i], &now[i], vector_bytes);
}

/// Where the next element of a stored row goes: inputs and positions, counted as they are stored.
typedef struct {
    size_t input, position;
} place;

static inline uint8_t *advance(place *next, uint8_t *panel, size_t element, size_t inputs, size_t positions) {
    uint8_t *column = panel + (next->position * inputs + next->input) * dseg_panel_width * element;
    if (++next->position == positions) {
        next->position = 0;
        next->input++;
    }
    return column;
}

/// One panel of `rows` outputs, 16 or fewer; inlined once for each size of an element.
static inline void pack_panel(const uint8_t *stored, size_t element, size_t rows, size_t inputs, size_t positions,
                              uint8_t *panel) {
    size_t width = vector_bytes / element, columns = inputs * positions, row_bytes = columns * element;
    size_t blocked = rows == dseg_panel_width ? columns / width * width : 0;
    place next = {0, 0};
    for (size_t k = 0; k < blocked; k += width) {
        uint8_t *targets[vector_bytes];
        for (size_t j = 0; j < width; j++) targets[j] = advance(&next, panel, element, inputs, positions);
        for (size_t o = 0; o < dseg_panel_width; o += width) {
            const uint8_t *block = stored + o * row_bytes + k * element;
            if (element == sizeof(uint16_t)) {
                transpose_halves(block, row_bytes, targets);
            } else {
                transpose_words(block, row_bytes, targets);
            }
            for (size_t j = 0; j < width; j++) targets[j] += vector_bytes;
        }
    }
    for (size_t k = blocked; k < columns; k++) {
        uint8_t *target = advance(&next, panel, element, inputs, positions);
        for (size_t o = 0; o < rows; o++) {
            memcpy(target + o * element, stored + o * row_bytes + k * element, element);
        }
        memset(target + rows * element, 0, (dseg_panel_width - rows) * element);
    }
}

void dseg_pack_panels(const void *restrict stored, size_t element_bytes, size_t outputs, size_t inputs,
                      size_t positions, void *restrict panels) {
    size_t row_bytes = inputs * positions * element_bytes;
    for (size_t output = 0; output < outputs; output += dseg_panel_width) {
        const uint8_t *rows = (const uint8_t *)stored + output * row_bytes;
        uint8_t *panel = (uint8_t *)panels + output * row_bytes;
        size_t count = outputs - output < dseg_panel_width ? outputs - output : dseg_panel_width;
        if (element_bytes == sizeof(uint16_t)) {
            pack_panel(rows, sizeof(uint16_t), count, inputs, positions, panel);
        } else {
            pack_panel(rows, sizeof(uint32_t), count, inputs, positions, panel);
        }
    }
}
