/* Memory of the calling thread for packed operands: CK_SCRATCH_BYTES, 64-byte aligned, allocated at the first use. */
#ifndef PHOTON_CK_POOL_H
#define PHOTON_CK_POOL_H

enum { CK_SCRATCH_BYTES = 1 << 22 };

float *ck_scratch(void);

#endif
