/* Element-wise kernels on contiguous numbers. EACH runs BODY for whole vectors, then once for the rest. */

#define EACH(count, BODY)                                                   \
  ptrdiff_t i = 0;                                                          \
  for (; i + CK_LANES <= (count); i += CK_LANES) {                          \
    BODY(load, store)                                                       \
  }                                                                         \
  if (i < (count)) {                                                        \
    ptrdiff_t rest = (count) - i;                                           \
    BODY(LOAD_REST, STORE_REST)                                             \
  }
#define LOAD_REST(p) load_part(p, rest)
#define STORE_REST(p, v) store_part(p, v, rest)

static void rms_norm(ptrdiff_t width, const float *x, const float *weight, float epsilon, float *y) {
  vf sum = 0;
#define BODY(LOAD, STORE)   \
  vf value = LOAD(x + i);   \
  sum = fused(value, value, sum);
  {
    EACH(width, BODY)
  }
#undef BODY
  vf factor = 1 / __builtin_sqrtf(sum_of_lanes(sum) / (float)width + epsilon);
#define BODY(LOAD, STORE) STORE(y + i, LOAD(x + i) * factor * LOAD(weight + i));
  EACH(width, BODY)
#undef BODY
}

static void silu_gate(ptrdiff_t count, const float *gate, const float *up, float *y) {
#define BODY(LOAD, STORE)   \
  vf g = LOAD(gate + i);    \
  STORE(y + i, g / (1 + exponential(-g)) * LOAD(up + i));
  EACH(count, BODY)
#undef BODY
}

static void gelu(ptrdiff_t count, const float *x, float *y) {
  const vf c0 = 1.5957691216057308f, c1 = 0.071354816272600248f;
#define BODY(LOAD, STORE)   \
  vf value = LOAD(x + i);   \
  STORE(y + i, value / (1 + exponential(-value * (c0 + c1 * value * value))));
  EACH(count, BODY)
#undef BODY
}

static void add(ptrdiff_t count, const float *a, const float *b, float *y) {
#define BODY(LOAD, STORE) STORE(y + i, LOAD(a + i) + LOAD(b + i));
  EACH(count, BODY)
#undef BODY
}

static void exponentials(ptrdiff_t count, const float *x, float *y) {
#define BODY(LOAD, STORE) STORE(y + i, exponential(LOAD(x + i)));
  EACH(count, BODY)
#undef BODY
}

/* The largest first, then its place: two passes that a vector takes, where one that keeps both takes element by element. A
   number that is none never replaces another. */
static ptrdiff_t largest(ptrdiff_t count, const float *x) {
  vf most = (vf)x[0];
  ptrdiff_t i = 0;
  for (; i + CK_LANES <= count; i += CK_LANES) {
    vf value = load(x + i);
    most = value > most ? value : most;
  }
  float best = x[0];
  for (int lane = 0; lane < CK_LANES; lane++) best = most[lane] > best ? most[lane] : best;
  for (; i < count; i++) best = x[i] > best ? x[i] : best;
  for (i = 0; i < count; i++) {
    if (x[i] == best) return i;
  }
  return 0;
}

static void rotate(ptrdiff_t heads, ptrdiff_t headWidth, float *x, const float *cosines, const float *sines) {
  ptrdiff_t half = headWidth / 2;
  for (ptrdiff_t head = 0; head < heads; head++) {
    float *a = x + head * headWidth, *b = a + half;
#define BODY(LOAD, STORE)                                                \
  vf u = LOAD(a + i), v = LOAD(b + i);                                   \
  vf c = LOAD(cosines + i), s = LOAD(sines + i);                         \
  STORE(a + i, u * c - v * s);                                           \
  STORE(b + i, v * c + u * s);
    EACH(half, BODY)
#undef BODY
  }
}

static float read_all(const float *data, ptrdiff_t count) {
  vf sum[8] = {0};
  ptrdiff_t i = 0;
  for (; i + 8 * CK_LANES <= count; i += 8 * CK_LANES) {
    UNROLL
    for (int j = 0; j < 8; j++) sum[j] += load(data + i + j * CK_LANES);
  }
  for (; i < count; i++) sum[0][0] += data[i];
  vf total = 0;
  for (int j = 0; j < 8; j++) total += sum[j];
  return sum_of_lanes(total);
}
