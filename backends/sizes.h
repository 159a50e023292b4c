/** How many numbers an op reads and writes, and whether a backend may believe its description. */
#ifndef DG_BACKEND_SIZES_H
#define DG_BACKEND_SIZES_H

#include "backends/backend.h"
#include "core/base/size.h"

/** Numbers; of what isn't there 0. What can't be counted is DG_SIZE_TOO_LARGE. */
typedef struct {
  uint64_t in[DG_MAX_IN], out[DG_MAX_OUT]; /**< of one sample; their gradients are as large */
  uint64_t param[DG_MAX_PARAM];            /**< in all, as of an update or an average */
  uint64_t state[DG_MAX_STATE];            /**< in all */
  uint64_t within; /**< of one sample: the most that lies between them, padded or spread */
} dg_op_sizes;

dg_op_sizes dg_op_sizes_of(const dg_op_desc *desc);

/**
 * What every backend asks before it prepares an op: does the description agree with itself, can its
 * tensors be counted, and has no tensor of `max_n` samples more than `most` numbers? Everything
 * that a backend makes of it may then be computed in 64 bits without further checks.
 */
bool dg_op_check(const dg_op_desc *desc, uint32_t max_n, uint64_t most, dg_error *err);

#endif
