/* What one compiled variant of the kernels offers to the public functions: the work of one part, on one thread. */
#ifndef PHOTON_CK_VARIANT_H
#define PHOTON_CK_VARIANT_H

#include <stdbool.h>

#include "CKernels.h"

struct linear {
  ptrdiff_t rows, outputs, inputs;
  const float *x;
  ptrdiff_t ldx;
  const float *w, *bias, *residual;
  float *y;
  ptrdiff_t ldy;
  /* Weights of output o are those of o & outputMask: −1 for all, fewer to read a part that stays in a cache. */
  ptrdiff_t outputMask;
};

struct variant {
  const char *name;
  /* Outputs first ..< end of all rows. */
  void (*linear)(const struct linear *linear, ptrdiff_t first, ptrdiff_t end);
  void (*rms_norm)(ptrdiff_t width, const float *x, const float *weight, float epsilon, float *y);
  void (*silu_gate)(ptrdiff_t count, const float *gate, const float *up, float *y);
  void (*gelu)(ptrdiff_t count, const float *x, float *y);
  void (*add)(ptrdiff_t count, const float *a, const float *b, float *y);
  void (*exp)(ptrdiff_t count, const float *x, float *y);
  ptrdiff_t (*largest)(ptrdiff_t count, const float *x);
  void (*rotate)(ptrdiff_t heads, ptrdiff_t headWidth, float *x, const float *cosines, const float *sines);
  /* One block of query rows of one key–value head of one group. */
  void (*attention)(const struct ck_attention *a, ptrdiff_t group, ptrdiff_t head, ptrdiff_t first, ptrdiff_t end);
  /* All queries of one key–value head of one group. */
  void (*votes)(const struct ck_attention *a, ptrdiff_t group, ptrdiff_t head);
  /* Query rows of one block of `attention`. */
  ptrdiff_t blockQueries;
  float (*rms_norm_gradient)(ptrdiff_t width, const float *x, const float *weight, const float *dy, float epsilon,
                             float *dx);
  void (*rms_norm_weight_gradient)(ptrdiff_t width, const float *x, const float *dy, float scale, float *dw);
  void (*silu_gate_gradient)(ptrdiff_t count, const float *gate, const float *up, const float *dy, float *dgate,
                             float *dup);
  void (*gelu_gradient)(ptrdiff_t count, const float *x, const float *dy, float *dx);
  void (*add_into)(ptrdiff_t count, const float *x, float *y);
  void (*softmax_gradient)(ptrdiff_t count, float scale, float *scores, float *gradients);
  /* All queries of one key–value head of one group. */
  void (*attention_gradient)(const struct ck_attention_gradient *a, ptrdiff_t group, ptrdiff_t head);
  float (*read)(const float *data, ptrdiff_t count);
};

extern const struct variant ck_variant_portable;
#if defined(__x86_64__)
extern const struct variant ck_variant_avx2, ck_variant_avx512;
#endif

#endif
