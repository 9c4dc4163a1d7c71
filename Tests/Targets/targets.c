// Holds each target of the kernels that this processor has against plain loops in double precision.
//
//     targets [portable | avx2 | avx512 | avx512vnni]
//
// prints a line for each target and check: how many numbers were compared, and of the one that used most of its limit
// the error and the limit. Exit code 1 if a limit does not hold, or if the target that is named is not there.
//
// A limit is never tuned: a number that passes n roundings of a relative 2^-24 each lies within gamma(n) of its value,
// relative to the sum of its terms' magnitudes, whatever the order of the terms (Higham, "Accuracy and Stability of
// Numerical Algorithms", section 3.1); the exponential and erf have the errors that lanes-inl.h states.
#include "targets.h"

#include <string.h>
#include <termios.h>
#include <unistd.h>

// ---- the numbers: drawn, framed, compared -----------------------------------------------------------------------

static _Alignas(64) char room[96 << 20];
static size_t taken;
static uint64_t state;
static struct {
    double ratio, error, limit;
    size_t count;
} worst;

double gamma_of(double roundings) { return roundings * 0x1p-24 / (1 - roundings * 0x1p-24); }

void *take(size_t bytes) {
    char *start = room + taken;
    taken += (bytes + 63) / 64 * 64;
    if (taken > sizeof room) {
        fprintf(stderr, "targets: a case needs more than %zu bytes; make it smaller\n", sizeof room);
        exit(1);
    }
    return start;
}

void end_case(void) { taken = 0; }

uint64_t draw_bits(void) {
    state += 0x9e3779b97f4a7c15u;
    uint64_t mixed = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

float draw(void) { return (float)(draw_bits() >> 40) * 0x1p-23f - 1.0f; }

void hold(double number, double value, double limit) {
    double error = fabs(number - value);
    double ratio = error <= limit ? (limit > 0 ? error / limit : 0) : limit > 0 && error > 0 ? error / limit : INFINITY;
    worst.count++;
    if (ratio <= worst.ratio) return;
    worst.ratio = ratio;
    worst.error = error;
    worst.limit = limit;
}

static const uint32_t mark = 0x7fc0dead;
enum { left = 3, right = 2 };

static bool is_marked(const float *x) { return memcmp(x, &mark, sizeof mark) == 0; }

float *marked(size_t count) {
    float *x = take((count + 1) * sizeof(float));
    for (size_t i = 0; i <= count; i++) memcpy(x + i, &mark, sizeof mark);
    return x;
}

void hold_end(const float *x, size_t count) { hold(is_marked(x + count) ? 0 : NAN, 0, 0); }

dseg_matrix framed(size_t rows, size_t columns, float scale) {
    size_t stride = columns + left + right;
    float *base = marked((rows + 2) * stride) + stride + left;
    for (size_t i = 0; i < rows && scale != 0; i++)
        for (size_t j = 0; j < columns; j++) base[i * stride + j] = draw() * scale;
    return (dseg_matrix){base, rows, columns, stride};
}

void hold_frame(dseg_matrix m) {
    const float *start = m.base - m.stride - left;
    bool intact = true;
    for (size_t i = 0; i < m.rows + 2; i++)
        for (size_t j = 0; j < m.stride; j++) {
            bool inside = i > 0 && i <= m.rows && j >= left && j < left + m.columns;
            intact = intact && (inside || is_marked(start + i * m.stride + j));
        }
    hold(intact ? 0 : NAN, 0, 0);
}

double at(dseg_matrix m, size_t row, size_t column) { return m.base[row * m.stride + column]; }

float *drawn(size_t count) {
    float *x = marked(count);
    for (size_t i = 0; i < count; i++) x[i] = draw();
    return x;
}

bounded *nothing(size_t count) {
    bounded *x = take(count * sizeof *x);
    for (size_t i = 0; i < count; i++) x[i] = (bounded){0, 0};
    return x;
}

void hold_all(dseg_matrix y, const bounded *expected) {
    for (size_t i = 0; i < y.rows * y.columns; i++)
        hold(at(y, i / y.columns, i % y.columns), expected[i].value, expected[i].slack);
    hold_frame(y);
}

// ---- weights as they are stored ---------------------------------------------------------------------------------

double stored_value(const void *base, dseg_number number, size_t i) {
    if (number == dseg_f32) return ((const float *)base)[i];
    unsigned bits = ((const uint16_t *)base)[i], f16 = number == dseg_f16;
    unsigned digits = f16 ? 10 : 7, exponent = (bits & 0x7fff) >> digits, mantissa = bits & ((1u << digits) - 1);
    int power = (int)(exponent ? exponent : 1) - (f16 ? 25 : 134);
    double value = ldexp(mantissa + (exponent ? 1u << digits : 0u), power);
    return bits & 0x8000 ? -value : value;
}

void *stored(dseg_number number, size_t count) {
    void *base = (char *)take(count * sizeof(float) + 4) + 4;
    for (size_t i = 0; i < count; i++) {
        unsigned bits = (unsigned)(draw_bits() >> 40), sign = bits & 0x8000;
        if (number == dseg_f32) ((float *)base)[i] = draw();
        else if (number == dseg_f16)  // up to 2, subnormal ones too
            ((uint16_t *)base)[i] = (uint16_t)(sign | (bits & 0x3fff));
        else  // 2^-15 to 2
            ((uint16_t *)base)[i] = (uint16_t)(sign | (112u << 7) | (bits & 0x7ff));
    }
    return base;
}

learned learn(dseg_number number, size_t outputs, size_t inputs, size_t positions) {
    bool fixed = number == dseg_fixed16;
    dseg_number first = fixed ? dseg_f32 : number;
    size_t columns = inputs * positions, count = (outputs + 15) / 16, size = first == dseg_f32 ? 4 : 2;
    const void *rows = stored(first, outputs * columns);
    void *panels = (char *)take(count * 16 * columns * size + 4) + 4;
    dseg_pack_panels(rows, size, outputs, inputs, positions, panels);
    learned w = {{rows, first, outputs, columns},
                 {panels, number, outputs, columns, NULL},
                 take(outputs * columns * sizeof(double))};
    for (size_t o = 0; o < outputs; o++)
        for (size_t k = 0; k < columns; k++)
            w.values[o * columns + k] = stored_value(rows, first, (o * inputs + k % inputs) * positions + k / inputs);
    if (fixed) {
        int32_t *pairs = take(count * 16 * dseg_panel_rows(columns) * sizeof(int32_t));
        float *scales = marked(count * 16);
        dseg_quantize_panels(panels, first, count, columns, pairs, scales);
        hold_end(scales, count * 16);
        w.panels.base = pairs;
        w.panels.scales = scales;
    }
    return w;
}

learned learn_kernels(dseg_number number, size_t outputs, size_t inputs) {
    learned w = learn(number, outputs, inputs, 9);
    size_t count = (outputs + 15) / 16;
    float *scales = marked(count * dseg_frequencies * 16);
    dseg_compute_kernel_scales(w.panels.base, number, count, inputs, scales);
    hold_end(scales, count * dseg_frequencies * 16);
    w.panels.scales = scales;
    return w;
}

// ---- the table --------------------------------------------------------------------------------------------------

static const struct {
    const char *name;
    void (*run)(void);
} checks[] = {
    {"dseg_pack_panels", check_packing},
    {"dseg_quantize_panels", check_fixed_panels},
    {"dseg_quantize_inputs", check_fixed_inputs},
    {"dseg_compute_kernel_scales", check_fixed_kernels},
    {"dseg_sha256_portable, _extensions", check_digest},
    {"dseg_linear, f32", check_linear_f32},
    {"dseg_linear, f16", check_linear_f16},
    {"dseg_linear, bf16", check_linear_bf16},
    {"dseg_fixed_linear", check_linear_fixed},
    {"dseg_convolution, im2col", check_im2col},
    {"dseg_fixed_convolution, im2col", check_im2col_fixed},
    {"dseg_convolution, Winograd", check_winograd},
    {"dseg_fixed_convolution, Winograd", check_winograd_fixed},
    {"dseg_convolution, Winograd, in groups", check_groups},
    {"a convolution's gains", check_gains},
    {"the same bits, however a product runs", check_bits},
    {"dseg_attention, _mean", check_attention},
    {"dseg_attention, _mean, fixed", check_attention_fixed},
    {"dseg_group_norm, _silu", check_group_norm},
    {"dseg_layer_norm", check_layer_norm},
    {"dseg_silu, dseg_quick_gelu", check_gates},
    {"dseg_gelu, dseg_gated_gelu", check_gelu},
    {"NaN in attention", check_nan_in_attention},
    {"NaN in fixed point", check_nan_in_fixed},
    {"NaN in activations", check_nan},
    {"dseg_blend, _affine, _multiply, _copy", check_lines},
    {"dseg_embed", check_embed},
    {"dseg_quantize_queries, dseg_quantize_keys", check_fixing},
    {"dseg_score, _tokens, of drawn rows", check_scores},
    {"dseg_score, of whole numbers", check_whole_scores},
    {"dseg_score, beside others and NaN", check_phrases},
    {"dseg_score_jointly, of drawn rows", check_joint_scores},
    {"dseg_score_jointly, any order and NaN", check_labels},
    {"dseg_quantize_unsigned", check_unsigned},
    {"dseg_unit_scales", check_unit_scales},
    {"dseg_complete", check_complete},
    {"dseg_apply_head, dseg_head_row", check_links},
    {"NaN in heads", check_spoilt_links},
    {"dseg_enlarge", check_enlarging},
    {"dseg_paint", check_painting},
    {"dseg_weigh", check_weigh},
    {"dseg_share", check_share},
    {"dseg_sharpen", check_sharpen},
    {"dseg_cluster, dseg_average", check_clusters},
    {"dseg_logarithm", check_logarithm},
    {"dseg_guided", check_guided},
};

/// Whether every limit held.
static bool try_target(const char *name) {
    bool holds = true;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        end_case();
        state = i;
        worst.ratio = -1;
        worst.count = 0;
        checks[i].run();
        bool ok = worst.ratio <= 1;
        printf("%-11s %-40s %8zu numbers, error %8.2e of %8.2e: %6.4f %s\n", name, checks[i].name, worst.count,
               worst.error, worst.limit, worst.ratio, ok ? "holds" : "FAILS");
        fflush(stdout);
        holds = holds && ok;
    }
    return holds;
}

int main(int count, char **arguments) {
    static const char *const names[] = {"portable", "avx2", "avx512", "avx512vnni"};
    const char *wanted = count > 1 ? arguments[1] : "portable";
    bool holds = true, found = false;
    dseg_start(2);
    for (int target = dseg_portable; target <= dseg_avx512vnni; target++) {
        if (!dseg_choose_target((dseg_instruction_set)target)) {
            printf("%-11s this processor has not\n", names[target]);
            continue;
        }
        found = found || strcmp(wanted, names[target]) == 0;
        holds = try_target(names[target]) && holds;
    }
    if (!found) printf("targets: %s is not here\n", wanted);
    printf("targets: %s\n", holds && found ? "every limit holds" : "FAILED");
    fflush(stdout);
    tcdrain(STDOUT_FILENO);  // an emulated machine stops with its first process: its console may be slower
    return holds && found ? 0 : 1;
}
