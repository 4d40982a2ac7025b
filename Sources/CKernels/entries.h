/* What attention reads of one key–value head of one group: its entries, segment by segment; its query rows; the scores of
   one vector of keys; and, for who asks, what the weights of each entry add up to. A query row is one (query, head) pair
   of the heads that share the key–value head; rows are ordered by query, then head. */

enum { NARROW_ROWS = 8 };

/* The lowest float: below every score. */
#define LOWEST (-0x1.fffffep127f)

/* A walk over the keys (or values) of one key–value head of one group, from its first entry to its last. */
struct walk {
  const struct ck_segment *segment;
  const float *base;    /* of the segment's first entry */
  ptrdiff_t first, end; /* the segment's entries among all */
  ptrdiff_t width, group, head;
  bool takesValues;
};

INLINE void enter_segment(struct walk *walk) {
  const struct ck_segment *s = walk->segment;
  /* Most segments are shared by none, and a division takes as long as a short window's scores of one query. */
  ptrdiff_t group = s->share == 1 ? walk->group : walk->group / s->share;
  ptrdiff_t start = group * s->groupStride + walk->head * s->headStride;
  walk->base = (walk->takesValues ? s->values : s->keys) + start;
  walk->end = walk->first + s->count;
}

INLINE struct walk begin_walk(const struct ck_attention *a, ptrdiff_t group, ptrdiff_t head, bool takesValues) {
  struct walk walk = {a->segments, NULL, 0, 0, a->headWidth, group, head, takesValues};
  enter_segment(&walk);
  return walk;
}

/* Out of line and by value, so that a walk stays in registers where it changes its segment seldom. */
static __attribute__((noinline, cold)) struct walk later_segment(struct walk walk, ptrdiff_t entry) {
  while (entry >= walk.end) {
    walk.segment++;
    walk.first = walk.end;
    enter_segment(&walk);
  }
  return walk;
}

/* Where an entry lies that is not before those asked for so far. */
INLINE const float *at(struct walk *walk, ptrdiff_t entry) {
  if (__builtin_expect(entry >= walk->end, 0)) *walk = later_segment(*walk, entry);
  return walk->base + (entry - walk->first) * walk->width;
}

INLINE ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }

/* columns[i] = feature `first + i` of 16 rows, lane by lane, for a whole vector of features. */
INLINE void load_columns(const float *const rows[CK_LANES], ptrdiff_t first, vf columns[CK_LANES]) {
  UNROLL
  for (int lane = 0; lane < CK_LANES; lane++) columns[lane] = load(rows[lane] + first);
  transpose(columns);
}

/* The same for the last `width % CK_LANES` features; columns[i] beyond them is zero. */
INLINE void load_last_columns(const float *const rows[CK_LANES], ptrdiff_t width, vf columns[CK_LANES]) {
  ptrdiff_t count = width % CK_LANES;
  UNROLL
  for (int lane = 0; lane < CK_LANES; lane++) columns[lane] = load_part(rows[lane] + width - count, count);
  transpose(columns);
}

/* The addresses in q or y of the query rows from `first`, for `count` lanes; those from `end` on repeat the last. */
INLINE void find_rows(const struct ck_attention *a, const float *base, ptrdiff_t ld, ptrdiff_t group, ptrdiff_t head,
                      ptrdiff_t first, ptrdiff_t end, ptrdiff_t count, const float **rows) {
  ptrdiff_t sharing = a->heads / a->keyValueHeads, query = first / sharing, member = first % sharing;
  const float *row = NULL;
  for (ptrdiff_t lane = 0; lane < count; lane++) {
    if (first + lane < end) {
      row = base + (group * a->queries + query) * ld + (head * sharing + member) * a->headWidth;
      if (++member == sharing) member = 0, query++;
    }
    rows[lane] = row;
  }
}

/* Entries that the query of a row sees. */
INLINE ptrdiff_t visible(const struct ck_attention *a, ptrdiff_t row) {
  return a->past + row / (a->heads / a->keyValueHeads) + 1;
}

/* The first entry that the query of a row sees: a window masks those before it. */
INLINE ptrdiff_t first_seen(const struct ck_attention *a, ptrdiff_t row) {
  if (__builtin_expect(a->window <= 0, 1)) return 0;
  ptrdiff_t first = visible(a, row) - a->window;
  return first > 0 ? first : 0;
}

/* ---- Keys in the lanes ---- */

/* Scores of one vector of entries for NR query rows. `ahead` elements behind these keys lie the next to be fetched
   into the second-level cache, if it is not 0. */
INLINE void score_vector(const int NR, ptrdiff_t width, const float *const keys[CK_LANES], ptrdiff_t ahead,
                         const float *const q[NARROW_ROWS], float scale, vf score[NARROW_ROWS]) {
  vf sum[NARROW_ROWS] = {0};
  vf columns[CK_LANES];
  ptrdiff_t i = 0;
  for (; i + CK_LANES <= width; i += CK_LANES) {
    if (ahead != 0) {
      UNROLL
      for (int lane = 0; lane < CK_LANES; lane++) __builtin_prefetch(keys[lane] + ahead + i, 0, 2);
    }
    load_columns(keys, i, columns);
    UNROLL
    for (int c = 0; c < CK_LANES; c++) {
      UNROLL
      for (int r = 0; r < NR; r++) sum[r] = fused(columns[c], (vf)q[r][i + c], sum[r]);
    }
  }
  if (i < width) {
    load_last_columns(keys, width, columns);
    UNROLL
    for (int c = 0; c < CK_LANES; c++) {
      if (i + c >= width) continue;
      UNROLL
      for (int r = 0; r < NR; r++) sum[r] = fused(columns[c], (vf)q[r][i + c], sum[r]);
    }
  }
  UNROLL
  for (int r = 0; r < NR; r++) score[r] = sum[r] * scale;
}

/* The addresses of `COUNT` entries from `first`; those behind `last` repeat it. */
INLINE void find_entries(const int COUNT, struct walk *walk, ptrdiff_t first, ptrdiff_t last, const float **rows) {
  const float *base = at(walk, first);
  if (first + COUNT <= walk->end && first + COUNT - 1 <= last) {
    UNROLL
    for (int n = 0; n < COUNT; n++) rows[n] = base + n * walk->width;
  } else if (last < walk->end) {
    UNROLL
    for (int n = 0; n < COUNT; n++) rows[n] = base + least(n, last - first) * walk->width;
  } else {
    for (int n = 0; n < COUNT; n++) rows[n] = at(walk, least(first + n, last));
  }
}

/* mass[entry] += the weights of NR query rows in ascending order, from their final maxima and totals. */
INLINE void add_row_masses(const int NR, const struct ck_attention *a, ptrdiff_t group, ptrdiff_t head, ptrdiff_t first,
                           const float *maximum, const float *total) {
  float *mass = a->mass + (group * a->keyValueHeads + head) * a->ldmass;
  struct walk keys = begin_walk(a, group, head, false);
  const float *q[NARROW_ROWS];
  find_rows(a, a->q, a->ldq, group, head, first, first + NR, NR, q);
  ptrdiff_t someone = visible(a, first + NR - 1);
  for (ptrdiff_t k = first_seen(a, first); k < someone; k += CK_LANES) {
    const float *rows[CK_LANES];
    find_entries(CK_LANES, &keys, k, someone - 1, rows);
    vf score[NARROW_ROWS];
    score_vector(NR, a->headWidth, rows, 0, q, a->scale, score);
    for (int r = 0; r < NR; r++) {
      ptrdiff_t count = least(visible(a, first + r) - k, CK_LANES), masked = first_seen(a, first + r) - k;
      if (count <= 0 || masked >= CK_LANES) continue;
      vf weight = exponential(score[r] - maximum[r]) / total[r];
      if (masked <= 0) {
        store_part(mass + k, load_part(mass + k, count) + weight, count);
      } else {
        for (ptrdiff_t lane = masked; lane < count; lane++) mass[k + lane] += weight[lane];
      }
    }
  }
}

/* The scores once more: what a block's weights are is only known when its rows have met their last key. */
static void add_mass(const struct ck_attention *a, ptrdiff_t group, ptrdiff_t head, ptrdiff_t first, ptrdiff_t end,
                     const float *maximum, const float *total) {
  for (; first + NARROW_ROWS <= end; first += NARROW_ROWS, maximum += NARROW_ROWS, total += NARROW_ROWS)
    add_row_masses(NARROW_ROWS, a, group, head, first, maximum, total);
  for (; first < end; first++, maximum++, total++) add_row_masses(1, a, group, head, first, maximum, total);
}

/* mass[entry] += the weights of up to NARROW_ROWS query rows, whose scores are kept whole: the entries are read once. */
static void vote_rows(const struct ck_attention *a, ptrdiff_t group, ptrdiff_t head, ptrdiff_t first, ptrdiff_t count) {
  ptrdiff_t someone = visible(a, first + count - 1), stride = (someone + CK_LANES - 1) / CK_LANES * CK_LANES;
  float *p = ck_scratch(NARROW_ROWS * stride), *mass = a->mass + (group * a->keyValueHeads + head) * a->ldmass;
  struct walk keys = begin_walk(a, group, head, false);
  const float *q[NARROW_ROWS];
  find_rows(a, a->q, a->ldq, group, head, first, first + count, NARROW_ROWS, q);
  for (ptrdiff_t k = 0; k < someone; k += CK_LANES) {
    const float *rows[CK_LANES];
    find_entries(CK_LANES, &keys, k, someone - 1, rows);
    vf score[NARROW_ROWS];
    score_vector(NARROW_ROWS, a->headWidth, rows, 0, q, a->scale, score);
    for (int r = 0; r < NARROW_ROWS; r++) store(p + r * stride + k, score[r]);
  }
  for (ptrdiff_t r = 0; r < count; r++, p += stride) {
    ptrdiff_t seen = visible(a, first + r);
    for (ptrdiff_t k = seen; k < stride; k++) p[k] = -__builtin_inff();
    vf top = (vf)LOWEST, total = (vf)0;
    for (ptrdiff_t k = 0; k < seen; k += CK_LANES) top = larger(load(p + k), top);
    float maximum = largest_lane(top);
    for (ptrdiff_t k = 0; k < seen; k += CK_LANES) {
      vf weight = exponential(load(p + k) - maximum);
      store(p + k, weight);
      total += weight;
    }
    float sum = sum_of_lanes(total);
    for (ptrdiff_t k = 0; k < seen; k += CK_LANES) {
      ptrdiff_t part = least(seen - k, CK_LANES);
      store_part(mass + k, load_part(mass + k, part) + load(p + k) / sum, part);
    }
  }
}

static void votes(const struct ck_attention *a, ptrdiff_t group, ptrdiff_t head) {
  ptrdiff_t rows = a->queries * (a->heads / a->keyValueHeads);
  for (ptrdiff_t first = 0; first < rows; first += NARROW_ROWS)
    vote_rows(a, group, head, first, least(rows - first, NARROW_ROWS));
}
