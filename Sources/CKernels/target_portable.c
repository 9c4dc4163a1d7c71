// The kernels for every processor: vectors as the compiler lowers them.
#include "internal.h"

#define TARGET dseg_target_portable
#define WIDTH 0
#include "target-inl.h"
