/** State dicts as torch.save writes them, for tests that make their own files. */
#ifndef DG_TESTS_PTH_H
#define DG_TESTS_PTH_H

#include <stddef.h>
#include <stdint.h>

enum { PTH_RANK = 4 };

/** A tensor, and the storage that holds it. */
typedef struct {
  const char *name;
  const char *type; /**< of the storage: "Float" */
  const char *key;  /**< its entry, behind "data/" */
  int32_t numbers;  /**< in it */
  uint32_t rank;
  int32_t dim[PTH_RANK], stride[PTH_RANK];
} pth_tensor;

/** The pickle, "data.pkl", of `size` bytes, which the caller frees. */
char *pth_pickle(const pth_tensor *tensors, uint32_t count, size_t *size);

#endif
