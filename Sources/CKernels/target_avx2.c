// The kernels for AVX2.
#include "internal.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET dseg_target_avx2
#define WIDTH 256
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "target-inl.h"
#pragma clang attribute pop
#endif
