/* Vector kernels of the executed models, and the small thread pool they run on.

   Conventions. All numbers are float32; matrices are row-major; `ld…` is the distance between two rows in elements.
   Weights are outputs × inputs, so that y = x · wᵀ. Pointers need no alignment beyond that of a float; 64-byte aligned
   rows are fastest. Nothing here fails, checks or allocates per call (a thread allocates its scratch memory the first
   time that it runs a kernel, and more of it when it first meets wider heads). No dimension has a limit of its own.

   Bits. A result depends on its own inputs and on the instruction set of the processor, and on nothing else: not on the
   number of threads, not on how many other rows, groups or queries are in the call, not on the segments that entries
   come in. The order of summation is stated at each kernel that sums. */
#ifndef PHOTON_CKERNELS_H
#define PHOTON_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/* ---- Threads ------------------------------------------------------------------------------------------------- */

enum { CK_MAX_THREADS = 256 };

/* Runs kernels on `threads` threads from now on, the caller's included; 1 ends all workers. Returns the number that
   really runs, at most CK_MAX_THREADS. Idle workers spin for about 100 µs and then sleep. Waits for kernels that run. */
int ck_pool_start(int threads);

/* Threads that take part in a kernel. */
int ck_pool_threads(void);

/* Calls `body(part, context)` once for every part in 0 ..< parts and returns when all have returned. The caller takes
   part. Nested calls, and calls while another thread uses the pool, run all parts on the calling thread. */
void ck_parallel(int parts, void (*body)(int part, void *context), void *context);

/* The name of the compiled variant that runs here: "avx512", "avx2" or "portable". */
const char *ck_instruction_set(void);

/* ---- Matrix products ----------------------------------------------------------------------------------------- */

/* y[r][o] = Σ_i w[o][i] · x[r][i] (+ bias[o]) (+ residual[r][o]), for any number of rows: weights pass once, so rows
   should stay in the second-level cache. `bias` and `residual` may be
   null; `residual` has the row distance of `y` and may be `y` itself. `w` has no padding between rows.
   Order of summation: inputs in blocks of 1024; in a block, lane j adds the products of inputs ≡ j modulo the number of
   lanes in ascending order, then lanes are added pairwise; the blocks are added to bias + residual in ascending order. */
void ck_linear(ptrdiff_t rows, ptrdiff_t outputs, ptrdiff_t inputs, const float *x, ptrdiff_t ldx, const float *w,
               const float *bias, const float *residual, float *y, ptrdiff_t ldy);

/* The arithmetic of `ck_linear` on weights of the first outputs alone, at most 256 KiB, over and over: what a product takes
   whose weights stay in the second-level cache. The results are of no use. */
void ck_linear_cached(ptrdiff_t rows, ptrdiff_t outputs, ptrdiff_t inputs, const float *x, ptrdiff_t ldx,
                      const float *w, float *y, ptrdiff_t ldy);

/* ---- Element-wise kernels; y may be an input ------------------------------------------------------------------ */

/* y = x / √(mean(x²) + epsilon) · weight, row by row. */
void ck_rms_norm(ptrdiff_t rows, ptrdiff_t width, const float *x, ptrdiff_t ldx, const float *weight, float epsilon,
                 float *y, ptrdiff_t ldy);

/* y = gate / (1 + exp(−gate)) · up. */
void ck_silu_gate(ptrdiff_t rows, ptrdiff_t width, const float *gate, ptrdiff_t ldgate, const float *up,
                  ptrdiff_t ldup, float *y, ptrdiff_t ldy);

/* y = x / (1 + exp(−x · (c₀ + c₁·x²))) with c₀ = 2√(2/π), c₁ = 0.044715 c₀: GELU in its tanh form. */
void ck_gelu(ptrdiff_t rows, ptrdiff_t width, const float *x, ptrdiff_t ldx, float *y, ptrdiff_t ldy);

/* y = a + b. */
void ck_add(ptrdiff_t rows, ptrdiff_t width, const float *a, ptrdiff_t lda, const float *b, ptrdiff_t ldb, float *y,
            ptrdiff_t ldy);

/* The place of the first of the largest of `count` ≥ 1 numbers; 0 where the first is not a number. */
ptrdiff_t ck_largest(ptrdiff_t count, const float *x);

/* y = exp(x), at most 2 units in the last place from the exact value. */
void ck_exp(ptrdiff_t count, const float *x, float *y);

/* Rotates, in place, the pairs (i, i + ⌊headWidth/2⌋) of every head of every row by the angle of the row's position;
   an odd last feature stays. `cosines` and `sines` are [position][⌊headWidth/2⌋]. The position of row r is
   `positions[r]`, or `first + r mod period` where `positions` is null. */
void ck_rotate(ptrdiff_t rows, ptrdiff_t heads, ptrdiff_t headWidth, float *x, ptrdiff_t ldx, const float *cosines,
               const float *sines, const int32_t *positions, ptrdiff_t first, ptrdiff_t period);

/* ---- Attention ------------------------------------------------------------------------------------------------ */

/* Causal attention of many independent groups (sequences, or chunks of a local decoder) in one call.
   Query j of a group attends the entries 0 … past + j, an entry being a key with its value; under a window only the
   last `window` of these. They lie in segments, one after the other; which positions rotated them is nothing to
   attention. Query head h reads key–value head h / (heads / keyValueHeads).
   Order of summation: a score adds its products in ascending order of features; keys are taken in blocks of 64 counted
   from entry 0 with a running maximum; the weighted values are added in ascending order of entries. */
struct ck_segment {
  const float *keys, *values;        /* of the first entry of head 0 of group 0; entries lie headWidth apart */
  ptrdiff_t count;                   /* entries of each head of each group */
  ptrdiff_t headStride, groupStride; /* elements from one head's entries to the next one's, and one group's */
  ptrdiff_t share;                   /* consecutive groups that have the same entries, at least 1 */
};

struct ck_attention {
  ptrdiff_t groups;         /* independent sequences */
  ptrdiff_t queries;        /* of each group */
  ptrdiff_t past;           /* entries before that of the first query */
  ptrdiff_t window;         /* entries that a query attends at most, its own included; all if 0 */
  ptrdiff_t heads;          /* query heads */
  ptrdiff_t keyValueHeads;  /* divides heads */
  ptrdiff_t headWidth;
  float scale;              /* of a score, 1/√headWidth */
  const float *q;           /* [group · queries + query][head · headWidth], rows ldq apart */
  ptrdiff_t ldq;
  const struct ck_segment *segments; /* so many that they have past + queries entries */
  float *y;                 /* [group · queries + query][head · headWidth], rows ldy apart; may be q */
  ptrdiff_t ldy;
  /* Null, or [group · keyValueHeads + keyValueHead][entry], rows ldmass apart: += the weights of each entry, over the
     query rows that see it in ascending order of query, then head. Not null, attention takes its scores twice. */
  float *mass;
  ptrdiff_t ldmass;
};

void ck_attention(const struct ck_attention *attention);

/* Query rows, queries times the heads that share a key–value head, that `ck_attention` works on together. */
ptrdiff_t ck_attention_rows(void);

/* The weights alone: `mass` += the softmax weights of every query over the entries that it sees, in the order in which
   attention adds them, the scores taken once. `y` and a window are ignored; the entries lie in one segment. */
void ck_votes(const struct ck_attention *attention);

/* ---- Gradients: results are added to where a comment says +=, so that sums go on from what is there ------------ */

/* y += x. */
void ck_add_into(ptrdiff_t count, const float *x, float *y);

/* y[i] += Σ_r x[r][i], rows in ascending order. */
void ck_add_rows(ptrdiff_t rows, ptrdiff_t width, const float *x, float *y);

/* Of `ck_rms_norm` on rows without gaps: dx += …, dweight += …, rows in ascending order; no dweight if it is
   null. `scales` is scratch for one number per row. */
void ck_rms_norm_gradient(ptrdiff_t rows, ptrdiff_t width, const float *x, const float *weight, float epsilon,
                          const float *dy, float *dx, float *dweight, float *scales);

/* Of `ck_silu_gate` where row r of `hidden` is gate, then up: dhidden = …, of the same shape. */
void ck_silu_gate_gradient(ptrdiff_t rows, ptrdiff_t width, const float *hidden, const float *dy, float *dhidden);

/* Of `ck_gelu` on rows without gaps: dx = …. */
void ck_gelu_gradient(ptrdiff_t rows, ptrdiff_t width, const float *x, const float *dy, float *dx);

/* One row of attention: `scores` become p = softmax(scale · scores), and `gradients` of p become those of the scores,
   p · (dp − Σ p · dp) · scale. */
void ck_softmax_gradient(ptrdiff_t count, float scale, float *scores, float *gradients);

/* Of `ck_attention` over one segment that no groups share, its weights computed again: dq += …, dkeys += …,
   dvalues += …. Queries are added in ascending order, heads that share a key within each. Meant for few keys: all those
   of a head are transposed. */
struct ck_attention_gradient {
  ptrdiff_t groups, queries, past, heads, keyValueHeads, headWidth; /* as in `ck_attention` */
  float scale;
  const float *q, *dy;               /* [group · queries + query][head][headWidth] */
  const float *keys, *values;        /* as in `ck_segment` */
  ptrdiff_t headStride, groupStride; /* of keys, values and the gradients of both */
  float *dq, *dkeys, *dvalues;
};

void ck_attention_gradient(const struct ck_attention_gradient *attention);

/* ---- Memory --------------------------------------------------------------------------------------------------- */

/* Uninitialised memory for `count` numbers, aligned for vectors, on huge pages where it is large and the system has
   them; ends the process with a word and 1 where there is none, or where more would be held than the limit says. Given
   back by `ck_free`. */
float *ck_allocate(ptrdiff_t count);
void ck_free(float *memory);
void ck_limit_memory(size_t bytes);

/* ---- Calibration ---------------------------------------------------------------------------------------------- */

/* The sum of `count` numbers, on the calling thread. */
float ck_sum(ptrdiff_t count, const float *data);

/* Reads `bytes` bytes at `data` `repetitions` times on the threads of the pool, each thread its own contiguous part,
   and returns the sum of the numbers: the plain read loop against which bandwidth-bound kernels are judged. */
float ck_read(const float *data, ptrdiff_t bytes, int repetitions);

#endif
