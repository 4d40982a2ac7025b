/* The kernels for any processor: vectors of four, which NEON and SSE2 have. */
#include <stdbool.h>
#include <stdint.h>

#include "pool.h"
#include "variant.h"

#define VARIANT ck_variant_portable
#define VARIANT_NAME "portable"
#define CK_LANES 4
#if defined(__aarch64__)
#define TILE_ROWS 5
#define TILE_SUMS 28
#define QUERY_VECTORS 4
#else
#define TILE_ROWS 3
#define TILE_SUMS 12
#define QUERY_VECTORS 2
#endif

#include "kernels_template.h"
