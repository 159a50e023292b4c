/** Files of torch.save before PyTorch 1.6: pickles one after the other, and then the storages. */
#ifndef DG_PYTORCH_LEGACY_H
#define DG_PYTORCH_LEGACY_H

#include "core/exchange/pytorch/tensor.h"

/** Does a file begin as such a file does? */
bool dg_pytorch_is_legacy(const char *bytes, size_t size);

/** Reads the pickle of the state dict and finds the storages in the `size` bytes of a file, which
    must outlive `file`. */
bool dg_pytorch_open_legacy(dg_pytorch_file *file, const char *bytes, size_t size);

#endif
