// Loops of painting, included by rows.h for each instruction set.

static void BODY(sample)(const float *x, size_t length, const uint32_t *first, const float *weight, float *y,
                         size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t left = first[i], right = left + (left + 1 < length);
        y[i] = x[left] + weight[i] * (x[right] - x[left]);
    }
}

static void BODY(between)(const float *x, const float *z, float weight, float *y, size_t count) {
#define OF(LOAD) (LOAD(x) + (LOAD(z) - LOAD(x)) * weight)
    MAP(count, y, OF)
#undef OF
}

static void BODY(bounds)(const float *x, size_t count, float *least, float *most) {
    V low = BODY(all)(*least), high = BODY(all)(*most);
#define LOOK(v) low = BODY(select)(v < low, v, low); high = BODY(select)(v > high, v, high)
    EACH(count, V v = IN(x); LOOK(v), V v = BODY(all)(x[i]); __builtin_memcpy(&v, x + i, n * sizeof(float)); LOOK(v));
#undef LOOK
    for (size_t lane = 0; lane < LANES; lane++) {
        *least = low[lane] < *least ? low[lane] : *least;
        *most = high[lane] > *most ? high[lane] : *most;
    }
}

static void BODY(stretch)(const float *x, float least, float range, float *y, size_t count) {
    if (!(range > 0)) {
        __builtin_memset(y, 0, count * sizeof(float));
        return;
    }
#define OF(LOAD) ((LOAD(x) - least) / range)
    MAP(count, y, OF)
#undef OF
}

static void BODY(claim)(const float *x, uint8_t label, float *best, uint8_t *index, size_t count) {
    typedef uint8_t bytes __attribute__((vector_size(LANES), aligned(1)));
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        V v = IN(x), b = IN(best);
        I wins = v > b;
        bytes taken = __builtin_convertvector(wins, bytes), *place = (bytes *)(index + i);
        OUT(best, BODY(select)(wins, v, b));
        *place = (taken & label) | (~taken & *place);
    }
    for (; i < count; i++) {
        index[i] = x[i] > best[i] ? label : index[i];
        best[i] = x[i] > best[i] ? x[i] : best[i];
    }
}
