// The kernels for AVX-512.
#include "internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET dseg_target_avx512
#define WIDTH 512
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,f16c"), min_vector_width(512))), \
    apply_to = function)
#include "target-inl.h"
#pragma clang attribute pop
#endif
