/* Gradients of the element-wise kernels and of attention over few keys. */

/* dx += s · (dy · weight − x · k) with s = 1/√(mean x² + ε) and k = s² · mean(dy · weight · x); returns s. */
static float rms_norm_gradient(ptrdiff_t width, const float *x, const float *weight, const float *dy, float epsilon,
                               float *dx) {
  vf squares = 0, products = 0;
#define BODY(LOAD, STORE)                \
  vf value = LOAD(x + i);                \
  squares = fused(value, value, squares); \
  products = fused(LOAD(dy + i) * LOAD(weight + i), value, products);
  {
    EACH(width, BODY)
  }
#undef BODY
  float scale = 1 / __builtin_sqrtf(sum_of_lanes(squares) / (float)width + epsilon);
  float mean = scale * scale * sum_of_lanes(products) / (float)width;
#define BODY(LOAD, STORE) \
  STORE(dx + i, LOAD(dx + i) + (LOAD(dy + i) * LOAD(weight + i) - LOAD(x + i) * mean) * scale);
  EACH(width, BODY)
#undef BODY
  return scale;
}

/* dw += dy · x · s, of one row. */
static void rms_norm_weight_gradient(ptrdiff_t width, const float *x, const float *dy, float scale, float *dw) {
#define BODY(LOAD, STORE) STORE(dw + i, LOAD(dw + i) + LOAD(dy + i) * LOAD(x + i) * scale);
  EACH(width, BODY)
#undef BODY
}

static void silu_gate_gradient(ptrdiff_t count, const float *gate, const float *up, const float *dy, float *dgate,
                               float *dup) {
#define BODY(LOAD, STORE)                                                           \
  vf g = LOAD(gate + i), result = LOAD(dy + i);                                     \
  vf sigmoid = 1 / (1 + exponential(-g));                                           \
  vf silu = g * sigmoid;                                                            \
  STORE(dgate + i, result * LOAD(up + i) * (sigmoid + silu * (1 - sigmoid)));       \
  STORE(dup + i, result * silu);
  EACH(count, BODY)
#undef BODY
}

static void gelu_gradient(ptrdiff_t count, const float *x, const float *dy, float *dx) {
  const vf c0 = 1.5957691216057308f, c1 = 0.071354816272600248f;
#define BODY(LOAD, STORE)                                                                             \
  vf value = LOAD(x + i);                                                                             \
  vf cubic = c1 * value * value;                                                                      \
  vf sigmoid = 1 / (1 + exponential(-value * (c0 + cubic)));                                          \
  STORE(dx + i, LOAD(dy + i) * (sigmoid + value * sigmoid * (1 - sigmoid) * (c0 + 3 * cubic)));
  EACH(count, BODY)
#undef BODY
}

static void add_into(ptrdiff_t count, const float *x, float *y) {
#define BODY(LOAD, STORE) STORE(y + i, LOAD(y + i) + LOAD(x + i));
  EACH(count, BODY)
#undef BODY
}

/* The first `rest` lanes of p, `filler` in the others. */
INLINE vf load_rest(const float *p, ptrdiff_t rest, float filler) {
  vf value = load_part(p, rest);
  for (int lane = (int)rest; lane < CK_LANES; lane++) value[lane] = filler;
  return value;
}

/* Scores become weights p = softmax(scale · scores); gradients of weights become those of unscaled scores,
   p · (dp − Σ p · dp) · scale. */
static void softmax_gradient(ptrdiff_t count, float scale, float *scores, float *gradients) {
  const float lowest = -__builtin_inff();
  vf top = (vf)lowest;
  ptrdiff_t whole = count / CK_LANES * CK_LANES, rest = count - whole;
  for (ptrdiff_t i = 0; i < whole; i += CK_LANES) top = larger(load(scores + i), top);
  if (rest) top = larger(load_rest(scores + whole, rest, lowest), top);
  vf maximum = (vf)(largest_lane(top) * scale), sum = 0, products = 0;
  for (ptrdiff_t i = 0; i < whole; i += CK_LANES) {
    vf weight = exponential(load(scores + i) * scale - maximum);
    store(scores + i, weight);
    sum += weight;
    products = fused(weight, load(gradients + i), products);
  }
  if (rest) {
    vf weight = exponential(load_rest(scores + whole, rest, lowest) * scale - maximum);
    for (int lane = (int)rest; lane < CK_LANES; lane++) weight[lane] = 0;
    store_part(scores + whole, weight, rest);
    sum += weight;
    products = fused(weight, load_part(gradients + whole, rest), products);
  }
  float inverse = 1 / sum_of_lanes(sum), mean = sum_of_lanes(products) * inverse;
#define BODY(LOAD, STORE)                                            \
  vf weight = LOAD(scores + i) * inverse;                            \
  STORE(scores + i, weight);                                         \
  STORE(gradients + i, weight * (LOAD(gradients + i) - mean) * scale);
  EACH(count, BODY)
#undef BODY
}

/* columns[feature][padded] = rows[key][width], zero behind the last key. */
static void transpose_keys(ptrdiff_t count, ptrdiff_t padded, ptrdiff_t width, const float *rows, float *columns) {
  for (ptrdiff_t i = 0; i < width; i++) {
    for (ptrdiff_t k = 0; k < padded; k++) columns[i * padded + k] = k < count ? rows[k * width + i] : 0;
  }
}

/* y[k] = Σ x[i] · columns[i][k] for the first `count` keys, rounded up to whole vectors. */
INLINE void multiply_columns(ptrdiff_t count, ptrdiff_t padded, ptrdiff_t width, const float *x, const float *columns,
                             float *y) {
  for (ptrdiff_t k = 0; k < count; k += CK_LANES) {
    vf sum = 0;
    for (ptrdiff_t i = 0; i < width; i++) sum = fused((vf)x[i], load(columns + i * padded + k), sum);
    store(y + k, sum);
  }
}

/* y += a · x */
INLINE void add_multiple(ptrdiff_t width, float a, const float *x, float *y) {
#define BODY(LOAD, STORE) STORE(y + i, fused((vf)a, LOAD(x + i), LOAD(y + i)));
  EACH(width, BODY)
#undef BODY
}

/* All queries of one key–value head of one group: keys lie in the lanes for scores, features for what is added up. */
static void attention_gradient(const struct ck_attention_gradient *a, ptrdiff_t group, ptrdiff_t head) {
  const ptrdiff_t width = a->headWidth, keyCount = a->past + a->queries, sharing = a->heads / a->keyValueHeads;
  const ptrdiff_t padded = (keyCount + CK_LANES - 1) / CK_LANES * CK_LANES;
  const ptrdiff_t entry = group * a->groupStride + head * a->headStride;
  float *keyColumns = ck_scratch(2 * (width + 1) * padded), *valueColumns = keyColumns + width * padded;
  float *weights = valueColumns + width * padded, *gradients = weights + padded;
  transpose_keys(keyCount, padded, width, a->keys + entry, keyColumns);
  transpose_keys(keyCount, padded, width, a->values + entry, valueColumns);
  for (ptrdiff_t query = 0; query < a->queries; query++) {
    ptrdiff_t visible = a->past + query + 1, row = (group * a->queries + query) * a->heads + head * sharing;
    for (ptrdiff_t member = 0; member < sharing; member++) {
      const ptrdiff_t at = (row + member) * width;
      multiply_columns(visible, padded, width, a->q + at, keyColumns, weights);
      multiply_columns(visible, padded, width, a->dy + at, valueColumns, gradients);
      softmax_gradient(visible, a->scale, weights, gradients);
      for (ptrdiff_t key = 0; key < visible; key++) {
        const ptrdiff_t slot = entry + key * width;
        add_multiple(width, gradients[key], a->keys + slot, a->dq + at);
        add_multiple(width, gradients[key], a->q + at, a->dkeys + slot);
        add_multiple(width, weights[key], a->dy + at, a->dvalues + slot);
      }
    }
  }
}
