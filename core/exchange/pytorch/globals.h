/** The names in pickles of torch.save that are known here. */
#ifndef DG_PYTORCH_GLOBALS_H
#define DG_PYTORCH_GLOBALS_H

#include "core/exchange/pytorch/pickle.h"
#include "core/formats/element.h"

/** Indices in dg_pytorch_globals of what makes tensors; the storages are before them. */
enum {
  DG_PYTORCH_STORAGES = 19,
  DG_PYTORCH_PARAMETER = DG_PYTORCH_STORAGES,
  DG_PYTORCH_PARAMETER_WITH_STATE,
  DG_PYTORCH_FROM_TYPE,
  DG_PYTORCH_TENSOR_V1,
  DG_PYTORCH_TENSOR_V2,
  DG_PYTORCH_TENSOR_V3,
  DG_PYTORCH_CLASS,
  DG_PYTORCH_PARAMETER_CLASS,
};

/** For dg_pickle_read. */
extern const char *const dg_pytorch_globals[];

/** A type of storages. */
typedef struct {
  const char *type; /**< "ComplexFloat" */
  size_t size;      /**< bytes of an element */
  bool read;        /**< its elements become float32 */
  dg_element element;
} dg_storage_type;

/** The type of a storage class; NULL: the value is not the name of one. */
const dg_storage_type *dg_storage_type_of(const dg_pickle_value *value);

#endif
