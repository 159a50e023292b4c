#include "backends/backend.h"

extern const dg_backend dg_backend_cpu;
#ifdef DIGITS_OPENCL
extern const dg_backend dg_backend_opencl;
#endif

const dg_backend *const *dg_backends(void) {
  static const dg_backend *const all[] = {
#ifdef DIGITS_OPENCL
      &dg_backend_opencl,
#endif
      &dg_backend_cpu,
      NULL,
  };
  return all;
}
