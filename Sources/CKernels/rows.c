// The kernels for each instruction set, and the choice among them.
#include "internal.h"
#include "include/weights.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#pragma clang diagnostic ignored "-Wpsabi"   // vectors pass between inlined functions only

// ROWS of a product's tile: as many as the registers hold sums for, beside a row of weights.

#define BODY(name) name##_portable
#define WIDTH 0
#define ROWS 6
#include "body.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define BODY(name) name##_avx2
#define WIDTH 256
#define ROWS 6
#define F16C
#include "body.h"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,f16c"), \
                                            min_vector_width(512))), apply_to = function)
#define BODY(name) name##_avx512
#define WIDTH 512
#define ROWS 8
#define F16C
#include "body.h"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512vnni,avx2,fma,f16c"), \
                                            min_vector_width(512))), apply_to = function)
#define BODY(name) name##_avx512vnni
#define WIDTH 512
#define ROWS 8
#define F16C
#define VNNI
#include "body.h"
#pragma clang attribute pop
#endif

const dseg_row_kernels *dseg_rows = &rows_portable;
const dseg_tile_kernels *dseg_tiles = &tiles_portable;
const dseg_pair_kernels *dseg_pairs = &pairs_portable;
static dseg_body chosen = dseg_portable;

static void use(dseg_body body, const dseg_row_kernels *rows, const dseg_tile_kernels *tiles,
                const dseg_pair_kernels *pairs) {
    chosen = body;
    dseg_rows = rows;
    dseg_tiles = tiles;
    dseg_pairs = pairs;
}

bool dseg_choose_body(dseg_body body) {
    if (body == dseg_portable) {
        use(body, &rows_portable, &tiles_portable, &pairs_portable);
        return true;
    }
#if defined(__x86_64__)
    bool wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    bool widest = wide && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    if (body == dseg_avx2 && wide) {
        use(body, &rows_avx2, &tiles_avx2, &pairs_avx2);
        return true;
    }
    if (body == dseg_avx512 && widest) {
        use(body, &rows_avx512, &tiles_avx512, &pairs_avx512);
        return true;
    }
    if (body == dseg_avx512vnni && widest && __builtin_cpu_supports("avx512vnni")) {
        use(body, &rows_avx512vnni, &tiles_avx512vnni, &pairs_avx512vnni);
        return true;
    }
#endif
    return false;
}

dseg_body dseg_chosen_body(void) { return chosen; }

bool dseg_multiplies_pairs(void) { return chosen != dseg_portable; }
