#include "tests/common/counting.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/types.h>

static atomic_ulong counted[COUNTS];

counts counts_now(void) {
  counts now;
  for (int i = 0; i < COUNTS; i++) now.of[i] = atomic_load(&counted[i]);
  return now;
}

void counts_add(count_kind kind, unsigned long more) {
  atomic_fetch_add(&counted[kind], more);
}

/* --wrap=NAME: calls of NAME go to __wrap_NAME; __real_NAME is NAME. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **out, size_t alignment, size_t size);
void *__real_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset);

void *__wrap_malloc(size_t size) {
  counts_add(COUNT_ALLOCATIONS, 1);
  return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
  counts_add(COUNT_ALLOCATIONS, 1);
  return __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size) {
  counts_add(COUNT_ALLOCATIONS, 1);
  return __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  counts_add(COUNT_ALLOCATIONS, 1);
  return __real_aligned_alloc(alignment, size);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size) {
  counts_add(COUNT_ALLOCATIONS, 1);
  return __real_posix_memalign(out, alignment, size);
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int file, off_t offset) {
  counts_add(COUNT_ALLOCATIONS, 1);
  return __real_mmap(at, size, protection, flags, file, offset);
}
