/**
 * Counts what the library does: the linker puts the functions of counting.c between it and the
 * functions that it calls (--wrap, see CMakeLists.txt). Calls that drivers and other libraries
 * make among themselves are not counted.
 */
#ifndef DG_TESTS_COUNTING_H
#define DG_TESTS_COUNTING_H

typedef enum {
  COUNT_ALLOCATIONS, /**< malloc and its kin, mmap */
  COUNT_OBJECTS,     /**< OpenCL buffers, kernels, programs and queues created */
  COUNT_READS,       /**< clEnqueueRead… */
  COUNT_READ_BYTES,
  COUNT_WRITES,  /**< clEnqueueWrite…, Map…, Copy…, Fill… */
  COUNT_WAITS,   /**< clFinish and clWaitForEvents */
  COUNT_SOURCES, /**< programs made from their source, to be compiled */
  COUNTS
} count_kind;

/** What has been counted since the program started. */
typedef struct {
  unsigned long of[COUNTS];
} counts;

counts counts_now(void);
/** Notes `more` of a kind; for the wrappers. */
void counts_add(count_kind kind, unsigned long more);

#endif
