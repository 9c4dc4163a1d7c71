// All kernels of one instruction set, in vectors of sixteen lanes. A target_*.c includes this once, compiled for that
// set, and defines before it TARGET, the table's name; WIDTH, the bits of a register whose intrinsics may be used: 512
// (AVX-512), 256 (AVX2) or 0 (none); and VNNI where vpdpwssd may be used.
//
// All sets are compiled from the same source, with the same order of reductions.
#include "lanes-inl.h"
#include "rows-inl.h"
#include "gemm-inl.h"
#include "quantize-inl.h"
#include "winograd-inl.h"
#include "scores-inl.h"
#include "clusters-inl.h"
#include "colour-inl.h"
#include "entropy-inl.h"
#include "links-inl.h"
#include "paint-inl.h"
#include "guided-inl.h"

const dseg_target TARGET = {
    .largest = largest,
    .exponentials = exponentials,
    .maximize = maximize,
    .cut = cut,
    .add_scaled = add_scaled,
    .blend = blend,
    .affine = affine,
    .logarithms = logarithms,
    .normalize = normalize,
    .layer_norm = layer_norm,
    .accumulate = accumulate,
    .sigmoid_gate = sigmoid_gate,
    .gelu_gate = gelu_gate,
    .gelu = gelu,
    .widen_f16 = widen_f16,
    .widen_bf16 = widen_bf16,

    .quantize = quantize,
    .quantize_unsigned = quantize_unsigned,
    .panel_norms = panel_norms,
    .quantize_panel = quantize_panel,
    .quantize_probabilities = quantize_probabilities,
    .cross_row = cross_row,
    .cross_panel = cross_panel,

    .gemm_int16 = gemm_int16,

    .winograd_inputs = winograd_inputs,
    .winograd_weights = winograd_weights,
    .winograd_outputs = winograd_outputs,
    .winograd_inputs_int16 = winograd_inputs_int16,
    .winograd_weights_int16 = winograd_weights_int16,
    .winograd_norms = winograd_norms,
    .winograd_outputs_int16 = winograd_outputs_int16,

    .score = score,
    .score_all = score_all,
    .sum_scores = sum_scores,
    .join = join,
    .complete = complete,
    .multiply_maps = multiply_maps,

    .nearest = nearest,

    .weigh = weigh,
    .add_powers = add_powers,
    .share = share,

    .largest_of_each = largest_of_each,
    .sharpen = sharpen,

    .balance = balance,
    .exceed = exceed,

    .sample = sample,
    .lerp = lerp,
    .bounds = bounds,
    .rescale = rescale,
    .update_argmax = update_argmax,

    .guide_row = guide_row,
    .invert = invert,
    .fit = fit,
    .predict = predict,
};
