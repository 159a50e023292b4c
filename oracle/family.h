/** Code shared by the files of the oracle: one family of functions for each kind of layer op. */
#ifndef DG_ORACLE_FAMILY_H
#define DG_ORACLE_FAMILY_H

#include "oracle/oracle.h"

typedef struct {
  /** Fills in sizes that are not 0; `inputs` is already 1. */
  void (*sizes)(const dg_op_desc *desc, oracle_sizes *z);
  /** Writes out, before the fused activation, and state, if not NULL. */
  void (*forward)(const dg_op_desc *desc, const oracle_tensors *t, const dg_step *step);
  /** Adds to d_in, if not NULL, and to d_param; dz: the gradient before the activation. */
  void (*backward)(const dg_op_desc *desc, const oracle_tensors *t, const double *dz,
                   const dg_step *step);
} oracle_family;

/* oracle_NAME of every layer op. */
#define DG_LAYER_OP(KIND, name, desc) extern const oracle_family oracle_##name;
#include "core/op/list.h"

/** The geometry of a sliding window over a plane. */
typedef struct {
  uint32_t height, width, out_h, out_w;
  uint32_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
} oracle_window;

/** The offset in a plane of the tap (ky, kx) of the window of (oy, ox); -1 in the padding. */
static inline long oracle_tap(const oracle_window *w, uint32_t oy, uint32_t ox, uint32_t ky,
                              uint32_t kx) {
  long y = (long)oy * w->stride_h + ky - w->pad_h;
  long x = (long)ox * w->stride_w + kx - w->pad_w;
  bool inside = y >= 0 && y < (long)w->height && x >= 0 && x < (long)w->width;
  return inside ? y * w->width + x : -1;
}

#endif
