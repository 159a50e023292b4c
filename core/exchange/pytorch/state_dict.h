/** The state dict within what torch.save wrote: a checkpoint may hold several, and more besides. */
#ifndef DG_PYTORCH_STATE_DICT_H
#define DG_PYTORCH_STATE_DICT_H

#include "core/exchange/pytorch/tensor.h"

/**
 * Adds the tensors of the state dict. Where it is:
 *   - below arrays->key, "a.b", as far as there are dictionaries of these names; what is left of
 * the key stays there, as the beginning of names;
 *   - under a usual name ("state_dict", "model", …); two with weights are an error;
 *   - else at the top, if tensors there name layers;
 *   - else in the only dictionary with tensors, other than an optimizer's or averaged weights;
 *   - else at the top.
 */
bool dg_pytorch_add_state_dict(dg_pytorch_file *file);

#endif
