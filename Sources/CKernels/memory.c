/* Memory for numbers. Weights that are streamed from main memory cost a walk of the page table every 4 KiB; where the
   system only gives huge pages to those who ask (the usual setting of Linux), they are asked for. */
#include <stdlib.h>
#include <sys/mman.h>

#include "CKernels.h"

enum { CACHE_LINE = 64, HUGE_PAGE = 1 << 21 };

float *ck_allocate(ptrdiff_t count) {
  size_t bytes = (size_t)(count > 0 ? count : 1) * sizeof(float);
  size_t alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : CACHE_LINE;
  float *memory = aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (!memory) abort();
#ifdef MADV_HUGEPAGE
  /* Refused means small pages: slower, not wrong. */
  if (alignment == HUGE_PAGE) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

void ck_free(float *memory) { free(memory); }
