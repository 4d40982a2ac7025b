/* The vector type of one variant: CK_LANES floats. This file and the templates that use it are compiled once per
   instruction set, each time inside a `#pragma clang attribute` that names the target. */

typedef float vf __attribute__((ext_vector_type(CK_LANES), aligned(4), may_alias));
typedef int32_t vi __attribute__((ext_vector_type(CK_LANES), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

INLINE vf load(const float *p) { return *(const vf *)p; }
INLINE void store(float *p, vf v) { *(vf *)p = v; }

/* The first `count` lanes, zeros in the others; reads nothing behind them. */
INLINE vf load_part(const float *p, ptrdiff_t count) {
  float lanes[CK_LANES] = {0};
  for (ptrdiff_t lane = 0; lane < count; lane++) lanes[lane] = p[lane];
  return load(lanes);
}

INLINE void store_part(float *p, vf v, ptrdiff_t count) {
  float lanes[CK_LANES];
  store(lanes, v);
  for (ptrdiff_t lane = 0; lane < count; lane++) p[lane] = lanes[lane];
}

/* One rounding where the target has a fused multiply–add, two where it has not; the same choice in all kernels. */
INLINE vf fused(vf a, vf b, vf c) { return a * b + c; }

INLINE vf larger(vf a, vf b) { return a > b ? a : b; }

/* ---- Exchanges between lanes: shuffles of two vectors at distance h ---- */

#define LOW(j, h) (((j) & (h)) ? CK_LANES + (j) - (h) : (j))
#define HIGH(j, h) (((j) & (h)) ? CK_LANES + (j) : (j) + (h))
#define LANES_4(F, h) F(0, h), F(1, h), F(2, h), F(3, h)
#define LANES_8(F, h) LANES_4(F, h), F(4, h), F(5, h), F(6, h), F(7, h)
#define LANES_16(F, h) \
  LANES_8(F, h), F(8, h), F(9, h), F(10, h), F(11, h), F(12, h), F(13, h), F(14, h), F(15, h)
#if CK_LANES == 16
#define LANES(F, h) LANES_16(F, h)
#elif CK_LANES == 8
#define LANES(F, h) LANES_8(F, h)
#else
#define LANES(F, h) LANES_4(F, h)
#endif

#define PAIR(h)                                            \
  vf a = v[i], b = v[i + h];                               \
  vf low = __builtin_shufflevector(a, b, LANES(LOW, h));   \
  vf high = __builtin_shufflevector(a, b, LANES(HIGH, h));

/* One stage of a transposition: lane bit h changes places with vector bit h. */
#define TRANSPOSE_STAGE(h)               \
  UNROLL                                 \
  for (int i = 0; i < CK_LANES; i++) {   \
    if (i & h) continue;                 \
    PAIR(h)                              \
    v[i] = low, v[i + h] = high;         \
  }

INLINE void transpose(vf v[CK_LANES]) {
#if CK_LANES == 16
  TRANSPOSE_STAGE(8)
#endif
#if CK_LANES >= 8
  TRANSPOSE_STAGE(4)
#endif
  TRANSPOSE_STAGE(2)
  TRANSPOSE_STAGE(1)
}

/* Lane i of the result is the sum of the lanes of v[i]: lanes j and j + h are added for h = lanes/2, …, 2, 1. */
#define SUM_STAGE(h)            \
  UNROLL                        \
  for (int i = 0; i < h; i++) { \
    PAIR(h)                     \
    v[i] = low + high;          \
  }

INLINE vf sums(vf v[CK_LANES]) {
#if CK_LANES == 16
  SUM_STAGE(8)
#endif
#if CK_LANES >= 8
  SUM_STAGE(4)
#endif
  SUM_STAGE(2)
  SUM_STAGE(1)
  return v[0];
}

INLINE float sum_of_lanes(vf x) {
  vf v[CK_LANES] = {x};
  return sums(v)[0];
}

INLINE float largest_lane(vf x) {
  float lanes[CK_LANES];
  store(lanes, x);
  float largest = lanes[0];
  for (int lane = 1; lane < CK_LANES; lane++) largest = lanes[lane] > largest ? lanes[lane] : largest;
  return largest;
}

/* exp(x) = 2ⁿ · exp(r), n = round(x / ln 2), |r| ≤ ln 2 / 2. The Taylor polynomial of degree 7 misses exp(r) by less
   than r⁸/8! < 5.2e-9, a tenth of an ulp; ln 2 is subtracted in two parts, the first exact in 15 bits times n.
   2ⁿ is applied in two factors so that results below the normal range round once and results above become infinite. */
INLINE vf exponential(vf x) {
  x = x < -104.0f ? (vf)-104.0f : x;
  x = x > 89.0f ? (vf)89.0f : x;
  vf shifted = x * 1.44269504088896341f + 12582912.0f;
  vf n = shifted - 12582912.0f;
  vf r = fused(n, (vf)-0.693145751953125f, x);
  r = fused(n, (vf)-1.42860682030941723212e-6f, r);
  vf p = (vf)(1.0f / 5040);
  p = fused(p, r, (vf)(1.0f / 720));
  p = fused(p, r, (vf)(1.0f / 120));
  p = fused(p, r, (vf)(1.0f / 24));
  p = fused(p, r, (vf)(1.0f / 6));
  p = fused(p, r, (vf)0.5f);
  p = fused(p * r, r, r) + 1.0f;
  vi exponent = (vi)shifted - 0x4B400000;
  vi half = exponent >> 1;
  vf first = (vf)((half + 127) << 23);
  vf second = (vf)((exponent - half + 127) << 23);
  return p * first * second;
}
