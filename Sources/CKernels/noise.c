// Seeded normal noise, number for number what torch.randn(generator: manual_seed) draws on the CPU
// (aten/src/ATen/core/MT19937RNGEngine.h, aten/src/ATen/native/cpu/DistributionTemplates.h: normal_fill).
#include "internal.h"

#include <math.h>

enum { length = 624, middle = 397 };

typedef struct {
    uint32_t state[length];
    size_t next;
} twister;

static twister seeded(uint32_t seed) {
    twister t = {.next = length};
    t.state[0] = seed;
    for (uint32_t i = 1; i < length; i++) t.state[i] = 1812433253u * (t.state[i - 1] ^ (t.state[i - 1] >> 30)) + i;
    return t;
}

static void refill(twister *t) {
    uint32_t *s = t->state;
    for (size_t i = 0; i < length; i++) {
        uint32_t mixed = (s[i] & 0x80000000u) | (s[(i + 1) % length] & 0x7fffffffu);
        s[i] = s[(i + middle) % length] ^ (mixed >> 1) ^ ((mixed & 1) ? 0x9908b0dfu : 0);
    }
    t->next = 0;
}

/// Uniform in [0, 1) with 24 bits.
static float uniform(twister *t) {
    if (t->next == length) refill(t);
    uint32_t y = t->state[t->next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    y ^= y >> 18;
    return (float)(y & 0xffffffu) * 0x1p-24f;
}

/// Sixteen uniforms become sixteen normals.
static void box_muller(float *y) {
    for (size_t j = 0; j < 8; j++) {
        float radius = sqrtf(-2.0f * logf(1.0f - y[j])), angle = 2.0f * 3.14159265358979f * y[j + 8];
        y[j] = radius * cosf(angle);
        y[j + 8] = radius * sinf(angle);
    }
}

void dseg_noise(uint32_t seed, float *y, size_t count) {
    twister t = seeded(seed);
    for (size_t i = 0; i < count; i++) y[i] = uniform(&t);
    for (size_t i = 0; i + 16 <= count; i += 16) box_muller(y + i);
    if (count % 16) {  // as torch: the last sixteen are drawn again
        float *last = y + count - 16;
        for (size_t i = 0; i < 16; i++) last[i] = uniform(&t);
        box_muller(last);
    }
}
