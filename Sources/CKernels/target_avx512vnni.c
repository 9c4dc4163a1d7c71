// The kernels for AVX-512 with VNNI, whose vpdpwssd multiplies pairs of 16-bit integers and accumulates.
#include "internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET dseg_target_avx512vnni
#define WIDTH 512
#define VNNI
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512vnni,avx2,fma,f16c"), min_vector_width(512))), \
    apply_to = function)
#include "target-inl.h"
#pragma clang attribute pop
#endif
