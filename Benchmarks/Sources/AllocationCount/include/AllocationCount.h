/* Counts every call of malloc, calloc, realloc and their aligned forms in this process, the Swift runtime's and
   OpenBLAS's included: an executable that links this file defines these functions itself, the dynamic linker prefers
   its definitions in every library, and each one counts and hands on to glibc. Nothing is preloaded. */
#ifndef PHOTON_ALLOCATION_COUNT_H
#define PHOTON_ALLOCATION_COUNT_H

#include <stdint.h>

/* Calls since the process started, on all threads; -1 where the C library is not glibc and nothing is counted. */
int64_t allocation_count(void);

#endif
