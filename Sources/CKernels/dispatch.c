// The choice among the instruction sets that kernels are compiled for.
#include "dispatch.h"

const dseg_target *dseg_simd = &dseg_target_portable;
bool dseg_multiplies_crosswise = false;
static dseg_instruction_set chosen = dseg_portable;

/// The kernels of a set, NULL if this processor lacks it.
static const dseg_target *target_of(dseg_instruction_set set) {
    if (set == dseg_portable) return &dseg_target_portable;
#if defined(__x86_64__)
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
    if (set == dseg_avx2 && avx2) return &dseg_target_avx2;
    if (set == dseg_avx512 && avx512) return &dseg_target_avx512;
    if (set == dseg_avx512vnni && avx512 && __builtin_cpu_supports("avx512vnni")) return &dseg_target_avx512vnni;
#endif
    return NULL;
}

bool dseg_choose_target(dseg_instruction_set set) {
    const dseg_target *target = target_of(set);
    if (!target) return false;
    dseg_simd = target;
    chosen = set;
#if defined(__x86_64__)
    // AMD's processors have vpaddw in four units and vpdpwssd in two, Intel's have both in two.
    dseg_multiplies_crosswise = set == dseg_avx512vnni && __builtin_cpu_is("amd");
#endif
    return true;
}

dseg_instruction_set dseg_chosen_target(void) { return chosen; }

bool dseg_multiplies_pairs(void) { return chosen != dseg_portable; }
