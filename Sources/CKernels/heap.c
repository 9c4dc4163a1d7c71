// Tuning of glibc's malloc. musl has neither call, and unmaps large blocks by itself.
#include "internal.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

void dseg_return_large_blocks(void) {
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 512 << 10);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
#endif
}

void dseg_trim_heap(void) {
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}
