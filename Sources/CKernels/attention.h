/* Causal attention of a block of query rows against the keys of one key–value head.

   Two loops for the same arithmetic, in the same order, so that equal inputs give equal bits in both:
   `wide` puts query rows into the lanes of a vector (prefill); `narrow` puts keys, and later features, into the lanes
   (decode). For each block of 64 entries counted from 0:
     score = scale · Σ q·k, features ascending;  m' = max(m, scores);  p = exp(score − m');
     l ← l·exp(m − m') + p, in four sums by entry modulo 4;  o ← o·exp(m − m') + p·v, entries ascending.
   Blocks that a window masks for every row of a call are not read. A row may meet others that it sees nothing of before
   the first that it sees something of: m starts at a finite number, so that there exp(m − m') is 1, p is 0, and the row
   goes on from zeros as if it had begun later. */

enum { BLOCK_KEYS = 64, KEY_TILE = 4, FEATURE_TILE = 4 };

/* The block of the first entry that a row sees; later rows see none before it. */
INLINE ptrdiff_t first_block(const struct ck_attention *a, ptrdiff_t row) {
  return first_seen(a, row) / BLOCK_KEYS * BLOCK_KEYS;
}

/* ---- Many query rows ---- */

/* scores[key][lane] for KEY_TILE keys and NV vectors of query rows; `q` is [feature][NV vectors]. */
INLINE void score_tile(const int NV, ptrdiff_t width, const float *const keys[KEY_TILE], const float *q, float scale,
                       float *scores) {
  vf sum[KEY_TILE * 4] = {0};
  for (ptrdiff_t i = 0; i < width; i++) {
    vf query[4];
    UNROLL
    for (int v = 0; v < NV; v++) query[v] = load(q + (i * NV + v) * CK_LANES);
    UNROLL
    for (int k = 0; k < KEY_TILE; k++) {
      vf key = (vf)keys[k][i];
      UNROLL
      for (int v = 0; v < NV; v++) sum[k * NV + v] = fused(key, query[v], sum[k * NV + v]);
    }
  }
  UNROLL
  for (int n = 0; n < KEY_TILE * NV; n++) store(scores + n * CK_LANES, sum[n] * scale);
}

/* Rescales `NF` features of the output by `correction` and adds Σ p·v over `count` entries from `first`, whose value is
   at `value`. */
INLINE void value_tile(const int NV, const int NF, struct walk values, const float *value, ptrdiff_t first,
                       ptrdiff_t count,
                       ptrdiff_t feature, const float *p, const vf *correction, float *output) {
  vf sum[FEATURE_TILE * 4];
  UNROLL
  for (int n = 0; n < NF * NV; n++) sum[n] = load(output + (feature * NV + n) * CK_LANES) * correction[n % NV];
  for (ptrdiff_t k = 0;; value = at(&values, first + k)) {
    /* A run of entries in one segment. */
    ptrdiff_t end = least(count, values.end - first);
    value += feature;
    for (; k < end; k++, value += values.width) {
      vf weight[4];
      UNROLL
      for (int v = 0; v < NV; v++) weight[v] = load(p + (k * NV + v) * CK_LANES);
      UNROLL
      for (int f = 0; f < NF; f++) {
        vf one = (vf)value[f];
        UNROLL
        for (int v = 0; v < NV; v++) sum[f * NV + v] = fused(weight[v], one, sum[f * NV + v]);
      }
    }
    if (k == count) break;
  }
  UNROLL
  for (int n = 0; n < NF * NV; n++) store(output + (feature * NV + n) * CK_LANES, sum[n]);
}

/* q[feature][NV vectors of query rows] */
INLINE void load_queries(const int NV, ptrdiff_t width, const float *const *rows, float *q) {
  UNROLL
  for (int v = 0; v < NV; v++) {
    vf columns[CK_LANES];
    ptrdiff_t i = 0;
    for (; i + CK_LANES <= width; i += CK_LANES) {
      load_columns(rows + v * CK_LANES, i, columns);
      UNROLL
      for (int c = 0; c < CK_LANES; c++) store(q + ((i + c) * NV + v) * CK_LANES, columns[c]);
    }
    if (i == width) continue;
    load_last_columns(rows + v * CK_LANES, width, columns);
    UNROLL
    for (int c = 0; c < CK_LANES; c++)
      if (i + c < width) store(q + ((i + c) * NV + v) * CK_LANES, columns[c]);
  }
}

INLINE void store_outputs(const int NV, ptrdiff_t width, ptrdiff_t count, const float *output, const vf *divisor,
                          float *const *rows) {
  UNROLL
  for (int v = 0; v < NV; v++) {
    for (ptrdiff_t i = 0; i < width; i += CK_LANES) {
      vf lanes[CK_LANES];
      UNROLL
      for (int c = 0; c < CK_LANES; c++)
        lanes[c] = i + c < width ? load(output + ((i + c) * NV + v) * CK_LANES) / divisor[v] : (vf)0;
      transpose(lanes);
      UNROLL
      for (int lane = 0; lane < CK_LANES; lane++) {
        if (v * CK_LANES + lane >= count) continue;
        if (i + CK_LANES <= width) store(rows[v * CK_LANES + lane] + i, lanes[lane]);
        else store_part(rows[v * CK_LANES + lane] + i, lanes[lane], width - i);
      }
    }
  }
}

INLINE void wide(const int NV, const struct ck_attention *a, ptrdiff_t group, ptrdiff_t head, ptrdiff_t first,
                 ptrdiff_t end) {
  const ptrdiff_t width = a->headWidth, lanes = NV * CK_LANES;
  struct walk keys = begin_walk(a, group, head, false), values = begin_walk(a, group, head, true);
  float *p = ck_scratch((BLOCK_KEYS + 2 * width) * lanes), *q = p + BLOCK_KEYS * lanes, *output = q + width * lanes;
  const float *rows[4 * CK_LANES];
  find_rows(a, a->q, a->ldq, group, head, first, end, lanes, rows);
  load_queries(NV, width, rows, q);
  for (ptrdiff_t n = 0; n < width * NV; n++) store(output + n * CK_LANES, (vf)0);

  vf maximum[4], total[4][4] = {{0}};
  vi limit[4], start[4]; /* a row sees the entries start ..< limit */
  ptrdiff_t sharing = a->heads / a->keyValueHeads, query = first / sharing, member = first % sharing;
  for (int v = 0; v < NV; v++) {
    maximum[v] = (vf)LOWEST;
    for (int lane = 0; lane < CK_LANES; lane++) {
      limit[v][lane] = (int32_t)(a->past + query + 1);
      if (++member == sharing) member = 0, query++;
    }
    start[v] = a->window > 0 ? limit[v] - (int32_t)least(a->window, INT32_MAX) : 0;
  }
  /* All rows see the entries late ..< everyone. */
  ptrdiff_t everyone = visible(a, first), someone = visible(a, end - 1), late = first_seen(a, end - 1);
  for (ptrdiff_t block = first_block(a, first); block < someone; block += BLOCK_KEYS) {
    ptrdiff_t count = least(someone - block, BLOCK_KEYS);
    vf top[4], correction[4];
    for (int v = 0; v < NV; v++) top[v] = maximum[v];
    for (ptrdiff_t k = 0; k < count; k += KEY_TILE) {
      const float *tile[KEY_TILE];
      find_entries(KEY_TILE, &keys, block + k, someone - 1, tile);
      score_tile(NV, width, tile, q, a->scale, p + k * lanes);
    }
    for (ptrdiff_t k = 0; k < count; k++) {
      for (int v = 0; v < NV; v++) {
        float *score = p + k * lanes + v * CK_LANES;
        ptrdiff_t entry = block + k;
        if (entry >= everyone || entry < late) {
          vi seen = (limit[v] > (int32_t)entry) & (start[v] <= (int32_t)entry);
          store(score, seen ? load(score) : -__builtin_inff());
        }
        top[v] = larger(load(score), top[v]);
      }
    }
    for (int v = 0; v < NV; v++) {
      correction[v] = exponential(maximum[v] - top[v]);
      maximum[v] = top[v];
      for (int n = 0; n < 4; n++) total[v][n] *= correction[v];
    }
    for (ptrdiff_t k = 0; k < count; k++) {
      for (int v = 0; v < NV; v++) {
        float *score = p + k * lanes + v * CK_LANES;
        vf weight = exponential(load(score) - maximum[v]);
        store(score, weight);
        total[v][k & 3] += weight;
      }
    }
    const float *value = at(&values, block);
    ptrdiff_t feature = 0;
    for (; feature + FEATURE_TILE <= width; feature += FEATURE_TILE)
      value_tile(NV, FEATURE_TILE, values, value, block, count, feature, p, correction, output);
    for (; feature < width; feature++) value_tile(NV, 1, values, value, block, count, feature, p, correction, output);
  }
  for (int v = 0; v < NV; v++) total[v][0] = (total[v][0] + total[v][1]) + (total[v][2] + total[v][3]);
  vf divisor[4];
  for (int v = 0; v < NV; v++) divisor[v] = total[v][0];
  if (a->mass) {
    float maxima[4 * CK_LANES], totals[4 * CK_LANES];
    for (int v = 0; v < NV; v++) store(maxima + v * CK_LANES, maximum[v]), store(totals + v * CK_LANES, divisor[v]);
    add_mass(a, group, head, first, end, maxima, totals);
  }
  find_rows(a, a->y, a->ldy, group, head, first, end, lanes, rows);
  store_outputs(NV, width, end - first, output, divisor, (float *const *)rows);
}

/* ---- Few query rows ---- */

/* o ← o·correction + Σ p·v for NF vectors of features from `feature`; a vector is read whole or, where the head is
   narrower than a vector, in part. `ahead` as above. */
INLINE void add_values(const int NF, struct walk values, const float *value, ptrdiff_t first, ptrdiff_t count,
                       ptrdiff_t ahead, const ptrdiff_t feature[NF], const float *p, float correction,
                       float *output) {
  vf sum[4];
  UNROLL
  for (int f = 0; f < NF; f++) sum[f] = load(output + f * CK_LANES) * correction;
  for (ptrdiff_t k = 0;; value = at(&values, first + k)) {
    ptrdiff_t end = least(count, values.end - first);
    for (; k < end; k++, value += values.width) {
      vf weight = (vf)p[k];
      UNROLL
      for (int f = 0; f < NF; f++) {
        if (ahead != 0) __builtin_prefetch(value + feature[f] + ahead, 0, 2);
        vf one = values.width < CK_LANES ? load_part(value, values.width) : load(value + feature[f]);
        sum[f] = fused(weight, one, sum[f]);
      }
    }
    if (k == count) break;
  }
  UNROLL
  for (int f = 0; f < NF; f++) store(output + f * CK_LANES, sum[f]);
}

/* Takes the first `masked` scores of a block from a row; returns the largest of the others, lane by lane. */
static __attribute__((noinline, cold)) vf mask_front(float *scores, ptrdiff_t count, ptrdiff_t masked) {
  for (ptrdiff_t k = 0; k < least(masked, count); k++) scores[k] = -__builtin_inff();
  vf top = (vf)-__builtin_inff();
  for (ptrdiff_t k = 0; k < count; k += CK_LANES) top = larger(load(scores + k), top);
  return top;
}

INLINE void narrow(const int NR, const struct ck_attention *a, ptrdiff_t group, ptrdiff_t head, ptrdiff_t first) {
  const ptrdiff_t width = a->headWidth, vectors = (width + CK_LANES - 1) / CK_LANES;
  struct walk keys = begin_walk(a, group, head, false), values = begin_walk(a, group, head, true);
  /* Output vectors of a row; the last one overlaps the one before it when the head is no multiple of a vector. */
  float *output = ck_scratch(NR * vectors * CK_LANES);
  const float *q[NARROW_ROWS];
  float p[NARROW_ROWS][BLOCK_KEYS], maximum[NARROW_ROWS], total[NARROW_ROWS][4];
  find_rows(a, a->q, a->ldq, group, head, first, first + NR, NR, q);
  for (int r = 0; r < NR; r++) {
    maximum[r] = LOWEST;
    for (int n = 0; n < 4; n++) total[r][n] = 0;
  }
  for (ptrdiff_t n = 0; n < NR * vectors; n++) store(output + n * CK_LANES, (vf)0);
  ptrdiff_t someone = visible(a, first + NR - 1), late = first_seen(a, first + NR - 1);
  for (ptrdiff_t block = first_block(a, first); block < someone; block += BLOCK_KEYS) {
    ptrdiff_t count = least(someone - block, BLOCK_KEYS);
    /* The next to be read: the next block, or where this is the last the first one of the head that lies behind, unless
       there are so few entries that fetching them would take longer than waiting for them. */
    ptrdiff_t ahead = block + BLOCK_KEYS < someone ? BLOCK_KEYS * width
                      : count >= CK_LANES           ? a->segments->headStride - block * width
                                                    : 0;
    vf top[NARROW_ROWS];
    for (int r = 0; r < NR; r++) top[r] = (vf)-__builtin_inff();
    for (ptrdiff_t k = 0; k < count; k += CK_LANES) {
      const float *rows[CK_LANES];
      find_entries(CK_LANES, &keys, block + k, someone - 1, rows);
      vf score[NARROW_ROWS];
      score_vector(NR, width, rows, ahead, q, a->scale, score);
      vi entry;
      for (int lane = 0; lane < CK_LANES; lane++) entry[lane] = (int32_t)(block + k + lane);
      for (int r = 0; r < NR; r++) {
        score[r] = entry < (int32_t)visible(a, first + r) ? score[r] : -__builtin_inff();
        store(&p[r][k], score[r]);
        top[r] = larger(score[r], top[r]);
      }
    }
    /* Behind the loop, which is faster where it knows nothing of windows. */
    if (__builtin_expect(block < late, 0))
      for (int r = 0; r < NR; r++) top[r] = mask_front(p[r], count, first_seen(a, first + r) - block);
    const float *value = at(&values, block);
    for (int r = 0; r < NR; r++) {
      float new = largest_lane(top[r]);
      if (!(new > maximum[r])) new = maximum[r];
      float correction = exponential((vf)(maximum[r] - new))[0];
      maximum[r] = new;
      for (int n = 0; n < 4; n++) total[r][n] *= correction;
      for (ptrdiff_t k = 0; k < count; k += CK_LANES) {
        store(&p[r][k], exponential(load(&p[r][k]) - new));
        for (int n = 0; n < CK_LANES; n++) total[r][n & 3] += p[r][k + n];
      }
      ptrdiff_t vector = 0, feature[4], fetched = r == 0 ? ahead : 0;
      while (vector < vectors) {
        ptrdiff_t left = vectors - vector, taken = left >= 4 ? 4 : left >= 2 ? 2 : 1;
        for (int f = 0; f < taken; f++) feature[f] = least((vector + f) * CK_LANES, width - CK_LANES);
        float *to = output + (r * vectors + vector) * CK_LANES;
        if (taken == 4) add_values(4, values, value, block, count, fetched, feature, p[r], correction, to);
        else if (taken == 2) add_values(2, values, value, block, count, fetched, feature, p[r], correction, to);
        else add_values(1, values, value, block, count, fetched, feature, p[r], correction, to);
        vector += taken;
      }
    }
  }
  if (a->mass) {
    float maxima[NARROW_ROWS], totals[NARROW_ROWS];
    for (int r = 0; r < NR; r++) {
      maxima[r] = maximum[r];
      totals[r] = (total[r][0] + total[r][1]) + (total[r][2] + total[r][3]);
    }
    add_mass(a, group, head, first, first + NR, maxima, totals);
  }
  find_rows(a, a->y, a->ldy, group, head, first, first + NR, NR, q);
  for (int r = 0; r < NR; r++) {
    float *y = (float *)q[r];
    vf divisor = (vf)((total[r][0] + total[r][1]) + (total[r][2] + total[r][3]));
    for (ptrdiff_t n = 0; n < vectors; n++) {
      vf result = load(output + (r * vectors + n) * CK_LANES) / divisor;
      if (width < CK_LANES) store_part(y, result, width);
      else store(y + least(n * CK_LANES, width - CK_LANES), result);
    }
  }
}

static void attention(const struct ck_attention *a, ptrdiff_t group, ptrdiff_t head, ptrdiff_t first, ptrdiff_t end) {
  ptrdiff_t rows = end - first;
  /* Transposing the keys pays for one to three rows always, and for the usual sizes of a group of heads that share them
     when there are more keys than a local window has. */
  bool many = visible(a, first) - first_seen(a, first) > BLOCK_KEYS;
  if (rows == 1) narrow(1, a, group, head, first);
  else if (rows == 2) narrow(2, a, group, head, first);
  else if (rows == 3) narrow(3, a, group, head, first);
  else if (rows == 4 && many) narrow(4, a, group, head, first);
  else if (rows == 8 && many) narrow(8, a, group, head, first);
  else if (rows <= CK_LANES) wide(1, a, group, head, first, end);
#if QUERY_VECTORS == 4
  else if (rows > 2 * CK_LANES) wide(4, a, group, head, first, end);
#endif
  else wide(2, a, group, head, first, end);
}
