/* The kernels for x86-64 processors with avx512. */
#if defined(__x86_64__)
#include <stdbool.h>
#include <stdint.h>

#include "pool.h"
#include "variant.h"

#define VARIANT ck_variant_avx512
#define VARIANT_NAME "avx512"
#define CK_LANES 16
#define TILE_ROWS 5
#define TILE_SUMS 32
#define QUERY_VECTORS 4

#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"))), apply_to = function)
#include "kernels_template.h"
#pragma clang attribute pop
#endif
