/* Memory for numbers. Weights that are streamed from main memory cost a walk of the page table every 4 KiB; where the
   system only gives huge pages to those who ask (the usual setting of Linux), they are asked for. */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __APPLE__
#include <malloc/malloc.h>
#define usable_size malloc_size
#else
#include <malloc.h>
#define usable_size malloc_usable_size
#endif

#include "CKernels.h"

enum { CACHE_LINE = 64, HUGE_PAGE = 1 << 21 };

static _Atomic size_t limit = SIZE_MAX;
static _Atomic size_t held = 0;

void ck_limit_memory(size_t bytes) { limit = bytes; }

/* What was not predicted ends here, with a word, and not where the system kills what takes too much. */
static _Noreturn void refuse(size_t bytes) {
  dprintf(STDERR_FILENO,
          "error: no memory: %zu MiB more than the %zu MiB that are held; accepted: a smaller model, batch or context, or "
          "a higher limit of memory\n",
          bytes >> 20, (size_t)held >> 20);
  _exit(EXIT_FAILURE);
}

float *ck_allocate(ptrdiff_t count) {
  size_t bytes = (size_t)(count > 0 ? count : 1) * sizeof(float);
  size_t alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : CACHE_LINE;
  size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  if (rounded > limit || held > limit - rounded) refuse(bytes);
  float *memory = aligned_alloc(alignment, rounded);
  if (!memory) refuse(bytes);
  held += usable_size(memory);
#ifdef MADV_HUGEPAGE
  /* Refused means small pages: slower, not wrong. */
  if (alignment == HUGE_PAGE) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

void ck_free(float *memory) {
  if (memory) held -= usable_size(memory);
  free(memory);
}
