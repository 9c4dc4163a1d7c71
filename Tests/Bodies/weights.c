// Weights as they are loaded: packed, rounded, and the digest of their file.
#include "bodies.h"

#include <string.h>

void check_packing(void) {
    static const size_t shapes[][3] = {{1, 1, 1}, {15, 7, 9}, {16, 8, 9}, {17, 9, 1}, {33, 65, 9}, {47, 31, 4}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int number = dseg_f32; number <= dseg_bf16_pairs; number++) {
            learned w = learn((dseg_number)number, shapes[s][0], shapes[s][1], shapes[s][2]);
            bool in_pairs = number == dseg_bf16_pairs;
            size_t inputs = w.panels.inputs, rows = in_pairs ? (inputs + 1) / 2 * 2 : inputs;
            for (size_t o = 0; o < (w.panels.outputs + 15) / 16 * 16; o++)
                for (size_t k = 0; k < rows; k++) {
                    size_t place = in_pairs ? ((o / 16 * (rows / 2) + k / 2) * 16 + o % 16) * 2 + k % 2
                                            : (o / 16 * inputs + k) * 16 + o % 16;
                    bool is_there = o < w.panels.outputs && k < inputs;
                    hold(stored_value(w.panels.base, w.panels.number, place),
                         is_there ? w.values[o * inputs + k] : 0, 0);
                }
        }
}

/// Numbers on both sides of a tie and on it, and those that have no neighbours.
void check_narrowing(void) {
    static const uint32_t bits[] = {0, 0x80000000, 0x3f808000, 0x3f818000, 0x3f808001, 0x3f807fff, 0xbf818000,
                                    0x7f7fffff, 0x7f800000, 0xff800000, 0x7f800001, 0x7fc00000, 0xffffffff,
                                    0x00018000, 0x00008001};
    static const uint16_t halves[] = {0, 0x8000, 0x3f80, 0x3f82, 0x3f81, 0x3f80, 0xbf82, 0x7f80,
                                      0x7f80, 0xff80, 0x7fc0, 0x7fc0, 0xffff, 0x0002, 0x0001};
    enum { count = sizeof bits / sizeof *bits, many = 1100 };
    uint16_t *narrowed = take(many * sizeof *narrowed);
    dseg_narrow_to_bf16(bits, dseg_f32, count, narrowed);
    for (size_t i = 0; i < count; i++) hold(narrowed[i], halves[i], 0);
    for (int number = dseg_f32; number <= dseg_bf16; number++) {
        const void *base = stored((dseg_number)number, many);
        dseg_narrow_to_bf16(base, (dseg_number)number, many, narrowed);
        for (size_t i = 0; i < many; i++)
            hold(stored_value(narrowed, dseg_bf16, i), nearest_bf16(stored_value(base, (dseg_number)number, i)), 0);
    }
}

/// The examples of FIPS 180-4: one block and two of a message that is padded to its end.
void check_digest(void) {
    static const char *const messages[] = {"abc", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"};
    static const uint32_t digests[][8] = {
        {0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad},
        {0x248d6a61, 0xd20638b8, 0xe5c02693, 0x0c3e6039, 0xa33ce459, 0x64ff2167, 0xf6ecedd4, 0x19db06c1}};
    static const uint32_t beginning[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                          0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    for (size_t message = 0; message < 2; message++)
        for (int extensions = 0; extensions <= dseg_sha256_has_extensions(); extensions++) {
            size_t length = strlen(messages[message]), blocks = message + 1;
            uint8_t padded[128] = {0};
            uint32_t state[8];
            memcpy(padded, messages[message], length);
            memcpy(state, beginning, sizeof state);
            padded[length] = 0x80;
            padded[blocks * 64 - 2] = (uint8_t)(length * 8 >> 8);
            padded[blocks * 64 - 1] = (uint8_t)(length * 8);
            (extensions ? dseg_sha256_extensions : dseg_sha256_portable)(state, padded, blocks);
            for (size_t i = 0; i < 8; i++) hold(state[i], digests[message][i], 0);
        }
}
