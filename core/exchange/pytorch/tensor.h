/** The tensors in a pickle of torch.save. */
#ifndef DG_PYTORCH_TENSOR_H
#define DG_PYTORCH_TENSOR_H

#include "core/exchange/arrays.h"
#include "core/exchange/pytorch/pickle.h"
#include "core/exchange/pytorch/storages.h"

/** A file of torch.save that is being read. */
typedef struct {
  dg_arrays *arrays;
  dg_pickle pickle;
  dg_storages storages;
  bool big_endian;
  uint64_t looked; /**< entries of dictionaries in which the state dict was looked for */
  dg_error *err;
} dg_pytorch_file;

/** Is a value a dense tensor, or a parameter? */
bool dg_pytorch_is_tensor(const dg_pytorch_file *file, const dg_pickle_value *value);

/** Adds a tensor; or, unread, a tensor of another type or another object. */
bool dg_pytorch_add(dg_pytorch_file *file, const char *name, const dg_pickle_value *value);

#endif
