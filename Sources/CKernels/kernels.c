/* The public kernels: each is cut into parts for the pool; the variant for this processor does the parts. */
#include <stdint.h>
#include <stdlib.h>

#include "variant.h"

static const struct variant *chosen(void) {
  static const struct variant *_Atomic variant;
  const struct variant *known = variant;
  if (known) return known;
  known = &ck_variant_portable;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) known = &ck_variant_avx2;
  if (known == &ck_variant_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
    known = &ck_variant_avx512;
#endif
  variant = known;
  return known;
}

const char *ck_instruction_set(void) { return chosen()->name; }

static ptrdiff_t ceiling(ptrdiff_t a, ptrdiff_t b) { return (a + b - 1) / b; }
static ptrdiff_t least(ptrdiff_t a, ptrdiff_t b) { return a < b ? a : b; }
static ptrdiff_t most(ptrdiff_t a, ptrdiff_t b) { return a > b ? a : b; }

/* Parts for `work` units of which one thread does about `grain` in ten microseconds: enough to balance, no crumbs. */
static int parts_for(ptrdiff_t work, ptrdiff_t grain, ptrdiff_t most_parts) {
  ptrdiff_t threads = ck_pool_threads();
  if (threads == 1 || work < 2 * grain) return 1;
  return (int)most(1, least(most_parts, least(work / grain, threads * 4)));
}

/* ---- Matrix products ---- */

struct linear_job {
  struct linear linear;
  ptrdiff_t stepOutputs;
};

static void linear_part(int part, void *context) {
  struct linear_job *job = context;
  ptrdiff_t first = part * job->stepOutputs;
  chosen()->linear(&job->linear, first, least(first + job->stepOutputs, job->linear.outputs));
}

static void run_linear(struct linear linear) {
  if (linear.rows <= 0 || linear.outputs <= 0) return;
  struct linear_job job = {linear, 0};
  int parts = parts_for(linear.rows * linear.outputs * linear.inputs, 1 << 16, ceiling(linear.outputs, 24));
  job.stepOutputs = ceiling(ceiling(linear.outputs, parts), 24) * 24;
  ck_parallel((int)ceiling(linear.outputs, job.stepOutputs), linear_part, &job);
}

void ck_linear(ptrdiff_t rows, ptrdiff_t outputs, ptrdiff_t inputs, const float *x, ptrdiff_t ldx, const float *w,
               const float *bias, const float *residual, float *y, ptrdiff_t ldy) {
  run_linear((struct linear){rows, outputs, inputs, x, ldx, w, bias, residual, y, ldy, -1});
}

void ck_linear_cached(ptrdiff_t rows, ptrdiff_t outputs, ptrdiff_t inputs, const float *x, ptrdiff_t ldx,
                      const float *w, float *y, ptrdiff_t ldy) {
  /* The most outputs, a power of two, whose weights and those of the widest tile behind them stay in a cache. */
  enum { CACHED = 1 << 16, WIDEST = 8 };
  ptrdiff_t mask = -1;
  for (ptrdiff_t some = 1; some + WIDEST <= outputs && (some + WIDEST) * inputs <= CACHED; some *= 2) mask = some - 1;
  if (outputs * inputs <= CACHED) mask = -1;
  run_linear((struct linear){rows, outputs, inputs, x, ldx, w, NULL, NULL, y, ldy, mask});
}

/* ---- Element-wise ---- */

/* One job for all element-wise kernels: parts are ranges of rows. */
struct rows_job {
  void (*row)(const struct rows_job *job, ptrdiff_t row);
  ptrdiff_t rows, step, width;
  const float *a, *b;
  ptrdiff_t lda, ldb;
  float *y;
  ptrdiff_t ldy;
  float epsilon;
  ptrdiff_t heads, headWidth, first, period;
  const int32_t *positions;
};

static void rows_part(int part, void *context) {
  const struct rows_job *job = context;
  ptrdiff_t end = least((part + 1) * job->step, job->rows);
  for (ptrdiff_t row = part * job->step; row < end; row++) job->row(job, row);
}

static void run_rows(struct rows_job *job) {
  if (job->rows <= 0 || job->width <= 0) return;
  int parts = parts_for(job->rows * job->width, 1 << 14, job->rows);
  job->step = ceiling(job->rows, parts);
  ck_parallel((int)ceiling(job->rows, job->step), rows_part, job);
}

static void rms_norm_row(const struct rows_job *j, ptrdiff_t row) {
  chosen()->rms_norm(j->width, j->a + row * j->lda, j->b, j->epsilon, j->y + row * j->ldy);
}
static void silu_gate_row(const struct rows_job *j, ptrdiff_t row) {
  chosen()->silu_gate(j->width, j->a + row * j->lda, j->b + row * j->ldb, j->y + row * j->ldy);
}
static void gelu_row(const struct rows_job *j, ptrdiff_t row) {
  chosen()->gelu(j->width, j->a + row * j->lda, j->y + row * j->ldy);
}
static void add_row(const struct rows_job *j, ptrdiff_t row) {
  chosen()->add(j->width, j->a + row * j->lda, j->b + row * j->ldb, j->y + row * j->ldy);
}
static void rotate_row(const struct rows_job *j, ptrdiff_t row) {
  ptrdiff_t position = j->positions ? j->positions[row] : j->first + row % j->period, half = j->headWidth / 2;
  chosen()->rotate(j->heads, j->headWidth, j->y + row * j->ldy, j->a + position * half, j->b + position * half);
}

void ck_rms_norm(ptrdiff_t rows, ptrdiff_t width, const float *x, ptrdiff_t ldx, const float *weight, float epsilon,
                 float *y, ptrdiff_t ldy) {
  struct rows_job job = {.row = rms_norm_row, .rows = rows, .width = width, .a = x, .lda = ldx, .b = weight,
                         .epsilon = epsilon, .y = y, .ldy = ldy};
  run_rows(&job);
}

void ck_silu_gate(ptrdiff_t rows, ptrdiff_t width, const float *gate, ptrdiff_t ldgate, const float *up,
                  ptrdiff_t ldup, float *y, ptrdiff_t ldy) {
  struct rows_job job = {.row = silu_gate_row, .rows = rows, .width = width, .a = gate, .lda = ldgate, .b = up,
                         .ldb = ldup, .y = y, .ldy = ldy};
  run_rows(&job);
}

void ck_gelu(ptrdiff_t rows, ptrdiff_t width, const float *x, ptrdiff_t ldx, float *y, ptrdiff_t ldy) {
  struct rows_job job = {.row = gelu_row, .rows = rows, .width = width, .a = x, .lda = ldx, .y = y, .ldy = ldy};
  run_rows(&job);
}

void ck_add(ptrdiff_t rows, ptrdiff_t width, const float *a, ptrdiff_t lda, const float *b, ptrdiff_t ldb, float *y,
            ptrdiff_t ldy) {
  struct rows_job job = {.row = add_row, .rows = rows, .width = width, .a = a, .lda = lda, .b = b, .ldb = ldb,
                         .y = y, .ldy = ldy};
  run_rows(&job);
}

ptrdiff_t ck_largest(ptrdiff_t count, const float *x) { return chosen()->largest(count, x); }

void ck_exp(ptrdiff_t count, const float *x, float *y) { chosen()->exp(count, x, y); }

void ck_rotate(ptrdiff_t rows, ptrdiff_t heads, ptrdiff_t headWidth, float *x, ptrdiff_t ldx, const float *cosines,
               const float *sines, const int32_t *positions, ptrdiff_t first, ptrdiff_t period) {
  struct rows_job job = {.row = rotate_row, .rows = rows, .width = heads * headWidth, .a = cosines, .b = sines,
                         .y = x, .ldy = ldx, .heads = heads, .headWidth = headWidth, .positions = positions,
                         .first = first, .period = period};
  run_rows(&job);
}

/* ---- Attention ---- */

struct attention_job {
  const struct ck_attention *attention;
  ptrdiff_t tasks, blocks, step, rows, blockRows;
};

static void attention_part(int part, void *context) {
  const struct attention_job *job = context;
  const struct ck_attention *a = job->attention;
  ptrdiff_t end = least((part + 1) * job->step, job->tasks);
  for (ptrdiff_t task = part * job->step; task < end; task++) {
    ptrdiff_t block = task % job->blocks, head = task / job->blocks % a->keyValueHeads;
    ptrdiff_t first = block * job->blockRows;
    chosen()->attention(a, task / job->blocks / a->keyValueHeads, head, first,
                        least(first + job->blockRows, job->rows));
  }
}

ptrdiff_t ck_attention_rows(void) { return chosen()->blockQueries; }

void ck_attention(const struct ck_attention *a) {
  ptrdiff_t rows = a->queries * (a->heads / a->keyValueHeads);
  if (a->groups <= 0 || rows <= 0) return;
  struct attention_job job = {.attention = a, .rows = rows, .blockRows = chosen()->blockQueries};
  job.blocks = ceiling(rows, job.blockRows);
  job.tasks = a->groups * a->keyValueHeads * job.blocks;
  /* A task costs what 32 keys cost before it meets its first one. */
  ptrdiff_t keys = a->past + (a->queries + 1) / 2;
  if (a->window > 0) keys = least(keys, a->window);
  ptrdiff_t work = a->groups * a->queries * a->heads * a->headWidth * (32 + keys);
  int parts = parts_for(work, 1 << 14, job.tasks);
  /* Later query blocks see more keys: smaller parts even that out. */
  if (job.blocks > 1 && parts > 1) parts = (int)least(job.tasks, 4096);
  job.step = ceiling(job.tasks, parts);
  /* The blocks of a head add to the same masses, in ascending order. */
  if (a->mass) job.step = ceiling(job.step, job.blocks) * job.blocks;
  ck_parallel((int)ceiling(job.tasks, job.step), attention_part, &job);
}

static void votes_part(int part, void *context) {
  const struct ck_attention *a = context;
  chosen()->votes(a, part / a->keyValueHeads, part % a->keyValueHeads);
}

void ck_votes(const struct ck_attention *attention) {
  struct ck_attention unmasked = *attention;
  unmasked.window = 0;
  ck_parallel((int)(unmasked.groups * unmasked.keyValueHeads), votes_part, &unmasked);
}

/* ---- Gradients ---- */

void ck_softmax_gradient(ptrdiff_t count, float scale, float *scores, float *gradients) {
  chosen()->softmax_gradient(count, scale, scores, gradients);
}

/* Parts are ranges of elements, of rows, or of the columns of all rows, so that no two parts add to one number. */
struct gradient_job {
  ptrdiff_t count, step, rows, width;
  const float *x, *weight, *dy;
  float epsilon;
  float *dx, *dweight, *scales;
  const struct ck_attention_gradient *attention;
};

static void run_gradient(struct gradient_job *job, ptrdiff_t work, ptrdiff_t unit,
                         void (*body)(int part, void *context)) {
  if (job->count <= 0) return;
  int parts = parts_for(work, 1 << 14, ceiling(job->count, unit));
  job->step = ceiling(ceiling(job->count, parts), unit) * unit;
  ck_parallel((int)ceiling(job->count, job->step), body, job);
}

#define RANGE(job, part) \
  ptrdiff_t first = (part) * (job)->step, end = least(first + (job)->step, (job)->count)

static void add_into_part(int part, void *context) {
  const struct gradient_job *j = context;
  RANGE(j, part);
  chosen()->add_into(end - first, j->x + first, j->dx + first);
}

void ck_add_into(ptrdiff_t count, const float *x, float *y) {
  struct gradient_job job = {.count = count, .x = x, .dx = y};
  run_gradient(&job, count, 64, add_into_part);
}

static void add_rows_part(int part, void *context) {
  const struct gradient_job *j = context;
  RANGE(j, part);
  for (ptrdiff_t row = 0; row < j->rows; row++)
    chosen()->add_into(end - first, j->x + row * j->width + first, j->dx + first);
}

void ck_add_rows(ptrdiff_t rows, ptrdiff_t width, const float *x, float *y) {
  struct gradient_job job = {.count = width, .rows = rows, .width = width, .x = x, .dx = y};
  run_gradient(&job, rows * width, 64, add_rows_part);
}

static void norm_rows_part(int part, void *context) {
  const struct gradient_job *j = context;
  RANGE(j, part);
  for (ptrdiff_t row = first; row < end; row++) {
    ptrdiff_t at = row * j->width;
    j->scales[row] = chosen()->rms_norm_gradient(j->width, j->x + at, j->weight, j->dy + at, j->epsilon, j->dx + at);
  }
}

static void norm_weight_part(int part, void *context) {
  const struct gradient_job *j = context;
  RANGE(j, part);
  for (ptrdiff_t row = 0; row < j->rows; row++) {
    ptrdiff_t at = row * j->width + first;
    chosen()->rms_norm_weight_gradient(end - first, j->x + at, j->dy + at, j->scales[row], j->dweight + first);
  }
}

void ck_rms_norm_gradient(ptrdiff_t rows, ptrdiff_t width, const float *x, const float *weight, float epsilon,
                          const float *dy, float *dx, float *dweight, float *scales) {
  struct gradient_job job = {.count = rows, .rows = rows, .width = width, .x = x, .weight = weight, .dy = dy,
                             .epsilon = epsilon, .dx = dx, .dweight = dweight, .scales = scales};
  run_gradient(&job, rows * width, 1, norm_rows_part);
  if (!dweight) return;
  job.count = width;
  run_gradient(&job, rows * width, 64, norm_weight_part);
}

static void silu_gate_part(int part, void *context) {
  const struct gradient_job *j = context;
  RANGE(j, part);
  for (ptrdiff_t row = first; row < end; row++) {
    ptrdiff_t gate = 2 * row * j->width, up = gate + j->width;
    chosen()->silu_gate_gradient(j->width, j->x + gate, j->x + up, j->dy + row * j->width, j->dx + gate, j->dx + up);
  }
}

void ck_silu_gate_gradient(ptrdiff_t rows, ptrdiff_t width, const float *hidden, const float *dy, float *dhidden) {
  struct gradient_job job = {.count = rows, .width = width, .x = hidden, .dy = dy, .dx = dhidden};
  run_gradient(&job, rows * width, 1, silu_gate_part);
}

static void gelu_part(int part, void *context) {
  const struct gradient_job *j = context;
  RANGE(j, part);
  chosen()->gelu_gradient(end - first, j->x + first, j->dy + first, j->dx + first);
}

void ck_gelu_gradient(ptrdiff_t rows, ptrdiff_t width, const float *x, const float *dy, float *dx) {
  struct gradient_job job = {.count = rows * width, .x = x, .dy = dy, .dx = dx};
  run_gradient(&job, rows * width, 64, gelu_part);
}

static void attention_gradient_part(int part, void *context) {
  const struct gradient_job *j = context;
  const struct ck_attention_gradient *a = j->attention;
  RANGE(j, part);
  for (ptrdiff_t task = first; task < end; task++)
    chosen()->attention_gradient(a, task / a->keyValueHeads, task % a->keyValueHeads);
}

void ck_attention_gradient(const struct ck_attention_gradient *a) {
  struct gradient_job job = {.count = a->groups * a->keyValueHeads, .attention = a};
  ptrdiff_t pairs = a->groups * a->queries * (32 + a->past + (a->queries + 1) / 2);
  run_gradient(&job, 2 * pairs * a->heads * a->headWidth, 1, attention_gradient_part);
}

/* ---- Calibration ---- */

struct read_job {
  const float *data;
  ptrdiff_t count, step;
  float sums[CK_MAX_THREADS];
};

static void read_part(int part, void *context) {
  struct read_job *job = context;
  ptrdiff_t first = part * job->step;
  if (first < job->count) job->sums[part] = chosen()->read(job->data + first, least(job->step, job->count - first));
}

float ck_sum(ptrdiff_t count, const float *data) { return chosen()->read(data, count); }

float ck_read(const float *data, ptrdiff_t bytes, int repetitions) {
  float sum = 0;
  int threads = ck_pool_threads();
  struct read_job job = {.data = data, .count = bytes / (ptrdiff_t)sizeof(float)};
  job.step = ceiling(ceiling(job.count, threads), 64) * 64;
  for (int repetition = 0; repetition < repetitions; repetition++) {
    ck_parallel(threads, read_part, &job);
    for (int part = 0; part < threads; part++) sum += job.sums[part];
  }
  return sum;
}
