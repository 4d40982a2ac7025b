/* Matrix products in dot form: both operands lie along the inputs, so neither is transposed, and the order of summation
   of one result knows nothing of its neighbours. A register tile of NR rows × NO outputs does NR·NO products per NR + NO
   loads; 32 registers hold 5 × 5 sums, 16 registers hold 3 × 4. */

/* Which weights to bring into the second-level cache meanwhile: those `distance` elements ahead, at every `stride`-th
   step from `first` on; nothing if the distance is 0. */
struct fetch {
  ptrdiff_t distance;
  int first, stride;
};

enum { BLOCK_INPUTS = 1024, MOST_OUTPUTS = 8 };

/* result[row·NO + output] = the products of inputs 0 ..< lanes·steps + tail, added as the header says. */
INLINE void tile(const int NR, const int NO, ptrdiff_t steps, ptrdiff_t tail, const float *x0, ptrdiff_t ldx,
                 const float *w, ptrdiff_t ldw, struct fetch fetch, float *result) {
  vf sum[TILE_SUMS] = {0};
  int wait = fetch.distance != 0 ? fetch.first : -1;
  const float *xs = x0, *ws = w;
  for (ptrdiff_t step = 0; step < steps; step++) {
    /* Two pointers that the compiler knows nothing of. It would otherwise keep one for each row, each output and each
       line to fetch, on the stack for want of registers: up to three times as slow. */
    __asm__("" : "+r"(xs), "+r"(ws));
    vf x[TILE_ROWS];
    UNROLL
    for (int r = 0; r < NR; r++) x[r] = load(xs + r * ldx);
    UNROLL
    for (int o = 0; o < NO; o++) {
      if (wait == 0) __builtin_prefetch(ws + o * ldw + fetch.distance, 0, 2);
      vf weight = load(ws + o * ldw);
      UNROLL
      for (int r = 0; r < NR; r++) sum[r * NO + o] = fused(weight, x[r], sum[r * NO + o]);
    }
    wait = wait > 0 ? wait - 1 : wait == 0 ? fetch.stride - 1 : wait;
    xs += CK_LANES, ws += CK_LANES;
  }
  if (tail != 0) {
    vf x[TILE_ROWS];
    UNROLL
    for (int r = 0; r < NR; r++) x[r] = load_part(x0 + steps * CK_LANES + r * ldx, tail);
    UNROLL
    for (int o = 0; o < NO; o++) {
      vf weight = load_part(w + o * ldw + steps * CK_LANES, tail);
      UNROLL
      for (int r = 0; r < NR; r++) sum[r * NO + o] = fused(weight, x[r], sum[r * NO + o]);
    }
  }
  UNROLL
  for (int i = 0; i < NR * NO; i += CK_LANES) store(result + i, sums(sum + i));
}

/* Adds the sums of one tile to y, which the first block of inputs sets to bias + residual. */
INLINE void add_tile(const int NO, const struct linear *l, const float *result, ptrdiff_t row, ptrdiff_t rows,
                     ptrdiff_t output, bool first) {
  const float *bias = first && l->bias ? l->bias + output : NULL;
  const float *before = first ? l->residual : l->y;
  for (ptrdiff_t r = 0; r < rows; r++, result += NO) {
    float *y = l->y + (row + r) * l->ldy + output;
    float sum[MOST_OUTPUTS];
    UNROLL
    for (int o = 0; o < NO; o++) sum[o] = result[o];
    if (before) {
      const float *base = before + (row + r) * l->ldy + output;
      UNROLL
      for (int o = 0; o < NO; o++) sum[o] = (bias ? bias[o] + base[o] : base[o]) + sum[o];
    } else if (bias) {
      UNROLL
      for (int o = 0; o < NO; o++) sum[o] = bias[o] + sum[o];
    }
    UNROLL
    for (int o = 0; o < NO; o++) y[o] = sum[o];
  }
}

INLINE void linear_tile(const int NR, const int NO, const struct linear *l, ptrdiff_t row, ptrdiff_t output,
                     ptrdiff_t input, ptrdiff_t count, struct fetch fetch) {
  float result[TILE_SUMS];
  tile(NR, NO, count / CK_LANES, count % CK_LANES, l->x + row * l->ldx + input, l->ldx,
       l->w + (output & l->outputMask) * l->inputs + input, l->inputs, fetch, result);
  add_tile(NO, l, result, row, NR, output, input == 0);
}

/* Outputs of the widest tile for a number of rows; its constants are those of the cases below. For one row the weights
   are read straight through: one sum of 16 lanes keeps up with memory, and the processor foresees one stream better
   than eight. */
static ptrdiff_t tile_outputs(ptrdiff_t rows) {
  if (rows == 1) return CK_LANES == 16 ? 1 : 8;
  return TILE_ROWS == 5 ? (rows == 2 ? 8 : rows <= 4 ? 6 : 5) : rows == 2 ? 6 : 4;
}

static void any_tile(const struct linear *l, ptrdiff_t row, ptrdiff_t rows, ptrdiff_t output, ptrdiff_t outputs,
                     ptrdiff_t input, ptrdiff_t count, struct fetch fetch) {
#define CASE(NR, NO) \
  case NR * 16 + NO: return linear_tile(NR, NO, l, row, output, input, count, fetch);
  switch (rows * 16 + outputs) {
    CASE(1, 8) CASE(1, 1) CASE(2, 1) CASE(3, 1)
#if TILE_ROWS == 5
    CASE(2, 8) CASE(3, 6) CASE(4, 6) CASE(4, 5) CASE(5, 5) CASE(4, 1) CASE(5, 1)
#else
    CASE(2, 6) CASE(2, 4) CASE(3, 4)
#endif
    default: __builtin_unreachable();
  }
#undef CASE
}

static void linear_outputs(const struct linear *l, ptrdiff_t first, ptrdiff_t end) {
  ptrdiff_t panels = (l->rows + TILE_ROWS - 1) / TILE_ROWS, panelRows = (l->rows + panels - 1) / panels;
  ptrdiff_t width = tile_outputs(panelRows);
  for (ptrdiff_t output = first; output < end;) {
    ptrdiff_t outputs = output + width <= end ? width : 1;
    for (ptrdiff_t input = 0; input == 0 || input < l->inputs; input += BLOCK_INPUTS) {
      ptrdiff_t count = l->inputs - input < BLOCK_INPUTS ? l->inputs - input : BLOCK_INPUTS;
      /* Panels of panelRows and panelRows − 1 rows that add up to all rows. */
      ptrdiff_t shorter = panels * panelRows - l->rows;
      for (ptrdiff_t panel = 0, row = 0; panel < panels; panel++) {
        ptrdiff_t rows = panelRows - (panel < shorter);
        /* Each panel brings its share of the next tile, so that memory is busy all the time. */
        struct fetch fetch = {width > 1 ? outputs * l->inputs : 0, (int)panel, (int)panels};
        any_tile(l, row, rows, output, outputs, input, count, fetch);
        row += rows;
      }
    }
    output += outputs;
  }
}
