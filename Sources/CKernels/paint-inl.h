// Rows of interpolated maps. Included after lanes-inl.h.

static void sample(const float *x, size_t length, const uint32_t *first, const float *weight, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t left = first[i], right = left + (left + 1 < length);
        y[i] = x[left] + weight[i] * (x[right] - x[left]);
    }
}

static void lerp(const float *x, const float *z, float weight, float *y, size_t count) {
#define OF(LOAD) (LOAD(x) + (LOAD(z) - LOAD(x)) * weight)
    MAP(count, y, OF)
#undef OF
}

static void bounds(const float *x, size_t count, float *least, float *most) {
    f32x16 low = broadcast(*least), high = broadcast(*most);
#define WIDEN_BOUNDS(v) \
    low = choose(v < low, v, low); \
    high = choose(v > high, v, high)
    EACH(count, f32x16 v = IN(x); WIDEN_BOUNDS(v), f32x16 v = broadcast(x[i]);
         __builtin_memcpy(&v, x + i, n * sizeof(float)); WIDEN_BOUNDS(v));
#undef WIDEN_BOUNDS
    for (size_t lane = 0; lane < LANES; lane++) {
        *least = low[lane] < *least ? low[lane] : *least;
        *most = high[lane] > *most ? high[lane] : *most;
    }
}

static void rescale(const float *x, float least, float range, float *y, size_t count) {
    if (!(range > 0)) {
        __builtin_memset(y, 0, count * sizeof(float));
        return;
    }
#define OF(LOAD) ((LOAD(x) - least) / range)
    MAP(count, y, OF)
#undef OF
}

static void update_argmax(const float *x, uint8_t label, float *best, uint8_t *index, size_t count) {
    typedef uint8_t bytes __attribute__((vector_size(LANES), aligned(1)));
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        f32x16 v = IN(x), b = IN(best);
        i32x16 wins = v > b;
        bytes taken = __builtin_convertvector(wins, bytes), *place = (bytes *)(index + i);
        OUT(best, choose(wins, v, b));
        *place = (taken & label) | (~taken & *place);
    }
    for (; i < count; i++) {
        index[i] = x[i] > best[i] ? label : index[i];
        best[i] = x[i] > best[i] ? x[i] : best[i];
    }
}
