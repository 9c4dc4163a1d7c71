// The row kernels for each instruction set, and the choice among them.
#include "internal.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#pragma clang diagnostic ignored "-Wpsabi"   // vectors pass between inlined functions only

#define BODY(name) name##_portable
#define WIDTH 0
#include "rows.h"
#undef WIDTH
#undef BODY

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define BODY(name) name##_avx2
#define WIDTH 256
#include "rows.h"
#undef WIDTH
#undef BODY
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma"), \
                                            min_vector_width(512))), apply_to = function)
#define BODY(name) name##_avx512
#define WIDTH 512
#include "rows.h"
#undef WIDTH
#undef BODY
#pragma clang attribute pop
#endif

const dseg_row_kernels *dseg_rows = &rows_portable;
static dseg_body chosen = dseg_portable;

bool dseg_choose_body(dseg_body body) {
    const dseg_row_kernels *rows = NULL;
    if (body == dseg_portable) rows = &rows_portable;
#if defined(__x86_64__)
    bool wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (body == dseg_avx2 && wide) rows = &rows_avx2;
    if (body == dseg_avx512 && wide && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
        rows = &rows_avx512;
#endif
    if (rows == NULL) return false;
    dseg_rows = rows;
    chosen = body;
    return true;
}

dseg_body dseg_chosen_body(void) { return chosen; }
