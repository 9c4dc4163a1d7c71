// Weights as they are loaded: packed, and the digest of their file.
#include "targets.h"

#include <string.h>

void check_packing(void) {
    static const size_t shapes[][3] = {{1, 1, 1}, {15, 7, 9}, {16, 8, 9}, {17, 9, 1}, {33, 65, 9}, {47, 31, 4}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int number = dseg_f32; number <= dseg_bf16; number++) {
            learned w = learn((dseg_number)number, shapes[s][0], shapes[s][1], shapes[s][2]);
            size_t inputs = w.panels.inputs;
            for (size_t o = 0; o < (w.panels.outputs + 15) / 16 * 16; o++)
                for (size_t k = 0; k < inputs; k++)
                    hold(stored_value(w.panels.base, w.panels.number, (o / 16 * inputs + k) * 16 + o % 16),
                         o < w.panels.outputs ? w.values[o * inputs + k] : 0, 0);
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
