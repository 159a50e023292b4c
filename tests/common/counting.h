/**
 * Counts calls of the library: the linker redirects them to wrappers in counting.c (--wrap, see
 * CMakeLists.txt). Calls that drivers and other libraries make among themselves are not counted.
 */
#ifndef DG_TESTS_COUNTING_H
#define DG_TESTS_COUNTING_H

typedef enum {
  COUNT_ALLOCATIONS, /**< malloc and related functions, mmap */
  COUNT_OBJECTS,     /**< OpenCL buffers, kernels, programs and queues created */
  COUNT_READS,       /**< clEnqueueRead… */
  COUNT_READ_BYTES,
  COUNT_WRITES,  /**< clEnqueueWrite…, Map…, Copy…, Fill… */
  COUNT_WAITS,   /**< clFinish and clWaitForEvents */
  COUNT_SOURCES, /**< programs created from source, to be compiled */
  COUNTS
} count_kind;

/** The counts since the program started. */
typedef struct {
  unsigned long of[COUNTS];
} counts;

counts counts_now(void);
/** Adds `more` to the count of a kind; for the wrappers. */
void counts_add(count_kind kind, unsigned long more);

#endif
