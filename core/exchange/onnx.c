#include "core/exchange/files.h"

bool dg_write_onnx(const char *path, const dg_model *model, const dg_outline *outline,
                   const dg_arrays *arrays, dg_error *err) {
  (void)path, (void)model, (void)outline, (void)arrays;
  return dg_fail(err, DG_ERR_UNSUPPORTED, "not yet");
}
