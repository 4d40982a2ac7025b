/* The kernels for x86-64 processors with avx2. */
#if defined(__x86_64__)
#include <stdbool.h>
#include <stdint.h>

#include "pool.h"
#include "variant.h"

#define VARIANT ck_variant_avx2
#define VARIANT_NAME "avx2"
#define CK_LANES 8
#define TILE_ROWS 3
#define TILE_SUMS 16
#define QUERY_VECTORS 2

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "kernels_template.h"
#pragma clang attribute pop
#endif
