// The kernels for every processor: what the compiler makes of vectors.
#include "internal.h"

#define TARGET dseg_target_portable
#define WIDTH 0
#include "target-inl.h"
