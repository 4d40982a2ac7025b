/* Memory of the calling thread for packed operands: `count` numbers, 64-byte aligned, until the thread's next call. It
   is allocated at the first use, of a size that suffices for all usual dimensions, and grows where more is asked for. */
#ifndef PHOTON_CK_POOL_H
#define PHOTON_CK_POOL_H

#include <stddef.h>

enum { CK_USUAL_SCRATCH_BYTES = 1 << 20 };

float *ck_scratch(ptrdiff_t count);

#endif
