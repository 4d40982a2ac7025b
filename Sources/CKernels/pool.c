/* The thread pool. One job at a time; threads claim parts from one atomic word, so a worker that wakes late costs
   nothing: the others, the caller included, have taken its parts. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "CKernels.h"
#include "pool.h"

enum { SPIN_NANOSECONDS = 100000 };

/* The job number in the upper half, the number of parts that nobody has claimed in the lower half. */
static _Atomic uint64_t ticket;
static _Atomic int unfinished;
/* Written before the ticket is published, read only by a thread that holds an unfinished part: never both at once. */
static struct {
  int parts;
  void (*body)(int, void *);
  void *context;
} job;

static atomic_flag busy = ATOMIC_FLAG_INIT;
static _Atomic int sleepers;
static _Atomic int stopping;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t published = PTHREAD_COND_INITIALIZER;
static pthread_t workers[CK_MAX_THREADS];
static _Atomic int workerCount;

static inline void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Runs parts of job `number` until none is left to claim. */
static void take_parts(uint32_t number) {
  uint64_t seen = atomic_load(&ticket);
  while ((uint32_t)(seen >> 32) == number && (uint32_t)seen != 0) {
    if (!atomic_compare_exchange_weak(&ticket, &seen, seen - 1)) continue;
    job.body(job.parts - (int)(uint32_t)seen, job.context);
    atomic_fetch_sub(&unfinished, 1);
    seen = atomic_load(&ticket);
  }
}

/* Returns the number of the next job after `number`. */
static uint32_t wait_for_job(uint32_t number) {
  int64_t start = now();
  do {
    for (int turn = 0; turn < 64; turn++) {
      uint32_t current = (uint32_t)(atomic_load(&ticket) >> 32);
      if (current != number) return current;
      pause_briefly();
    }
  } while (now() - start < SPIN_NANOSECONDS);
  pthread_mutex_lock(&mutex);
  atomic_fetch_add(&sleepers, 1);
  while ((uint32_t)(atomic_load(&ticket) >> 32) == number) pthread_cond_wait(&published, &mutex);
  atomic_fetch_sub(&sleepers, 1);
  pthread_mutex_unlock(&mutex);
  return (uint32_t)(atomic_load(&ticket) >> 32);
}

static void publish(uint32_t parts) {
  uint64_t number = (atomic_load(&ticket) >> 32) + 1;
  atomic_store(&ticket, number << 32 | parts);
  /* A worker counts itself before it looks at the ticket for the last time, we publish before we look at the count:
     one of the two sees the other. */
  if (atomic_load(&sleepers) == 0) return;
  pthread_mutex_lock(&mutex);
  pthread_cond_broadcast(&published);
  pthread_mutex_unlock(&mutex);
}

static void *work(void *start) {
  uint32_t number = (uint32_t)(uintptr_t)start;
  while (1) {
    number = wait_for_job(number);
    if (atomic_load(&stopping)) return NULL;
    take_parts(number);
  }
}

static void run_serially(int parts, void (*body)(int, void *), void *context) {
  for (int part = 0; part < parts; part++) body(part, context);
}

void ck_parallel(int parts, void (*body)(int part, void *context), void *context) {
  if (parts <= 1 || atomic_load(&workerCount) == 0 || atomic_flag_test_and_set(&busy)) {
    run_serially(parts, body, context);
    return;
  }
  job.parts = parts;
  job.body = body;
  job.context = context;
  atomic_store(&unfinished, parts);
  publish((uint32_t)parts);
  take_parts((uint32_t)(atomic_load(&ticket) >> 32));
  /* A part that another thread still runs ends soon, unless that thread lost its core: then give it ours. */
  for (int turn = 0; atomic_load(&unfinished) != 0; turn++) {
    if (turn < 2000) pause_briefly();
    else sched_yield();
  }
  atomic_flag_clear(&busy);
}

static void stop_workers(void) {
  atomic_store(&stopping, 1);
  publish(0);
  int count = atomic_exchange(&workerCount, 0);
  for (int index = 0; index < count; index++) pthread_join(workers[index], NULL);
  atomic_store(&stopping, 0);
}

int ck_pool_start(int threads) {
  if (threads > CK_MAX_THREADS) threads = CK_MAX_THREADS;
  while (atomic_flag_test_and_set(&busy)) sched_yield();
  stop_workers();
  uint32_t number = (uint32_t)(atomic_load(&ticket) >> 32);
  int count = 0;
  while (count < threads - 1 && pthread_create(&workers[count], NULL, work, (void *)(uintptr_t)number) == 0) count++;
  atomic_store(&workerCount, count);
  atomic_flag_clear(&busy);
  return count + 1;
}

int ck_pool_threads(void) { return atomic_load(&workerCount) + 1; }

/* ---- Scratch memory ---- */

static pthread_key_t scratchKey;
static pthread_once_t scratchOnce = PTHREAD_ONCE_INIT;

static void make_scratch_key(void) {
  if (pthread_key_create(&scratchKey, free) != 0) abort();
}

/* Bytes of this thread's scratch memory. */
static _Thread_local size_t scratchBytes;

float *ck_scratch(ptrdiff_t count) {
  pthread_once(&scratchOnce, make_scratch_key);
  float *scratch = pthread_getspecific(scratchKey);
  size_t bytes = (size_t)count * sizeof(float);
  if (bytes > scratchBytes || scratch == NULL) {
    free(scratch);
    scratchBytes = bytes < CK_USUAL_SCRATCH_BYTES ? CK_USUAL_SCRATCH_BYTES : (bytes + 63) / 64 * 64;
    scratch = aligned_alloc(64, scratchBytes);
    if (scratch == NULL || pthread_setspecific(scratchKey, scratch) != 0) abort();
  }
  return scratch;
}
