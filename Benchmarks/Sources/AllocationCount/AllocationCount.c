#include "AllocationCount.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#if defined(__GLIBC__)

static _Atomic int64_t count;

static void add_one(void) { atomic_fetch_add_explicit(&count, 1, memory_order_relaxed); }

int64_t allocation_count(void) { return atomic_load(&count); }

/* The names under which glibc keeps its own definitions. */
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t items, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

void *malloc(size_t bytes) {
  add_one();
  return __libc_malloc(bytes);
}

void *calloc(size_t items, size_t bytes) {
  add_one();
  return __libc_calloc(items, bytes);
}

void *realloc(void *old, size_t bytes) {
  add_one();
  return __libc_realloc(old, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
  add_one();
  return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
  add_one();
  return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **result, size_t alignment, size_t bytes) {
  add_one();
  *result = __libc_memalign(alignment, bytes);
  return *result ? 0 : ENOMEM;
}

#else

int64_t allocation_count(void) { return -1; }

#endif
