/** Stubs for formats whose libraries were not found at build time. */
#include "core/exchange/files.h"

/** Reports what to install. Unused if all libraries were found. */
__attribute__((unused)) static bool lacks(const char *what, const char *packages, dg_error *err) {
  return dg_fail(err, DG_ERR_UNSUPPORTED,
                 "digits was built without %s; install %s (Debian's names) and build it again",
                 what, packages);
}

#ifndef DIGITS_HAVE_LIBZIP
bool dg_read_pytorch(dg_arrays *arrays, dg_error *err) {
  (void)arrays;
  return lacks("libzip, which reads PyTorch's files", "libzip-dev", err);
}

bool dg_read_npz(dg_arrays *arrays, dg_error *err) {
  (void)arrays;
  return lacks("libzip, which reads .npz files", "libzip-dev", err);
}

bool dg_write_npz(const char *path, const dg_model *model, const dg_model_graph *graph,
                  const dg_arrays *arrays, dg_error *err) {
  (void)path, (void)model, (void)graph, (void)arrays;
  return lacks("libzip, which writes .npz files", "libzip-dev", err);
}
#endif

#ifndef DIGITS_HAVE_HDF5
bool dg_read_hdf5(dg_arrays *arrays, dg_error *err) {
  (void)arrays;
  return lacks("HDF5, which reads Keras's files", "libhdf5-dev", err);
}
#endif

#if !defined(DIGITS_HAVE_LIBZIP) || !defined(DIGITS_HAVE_HDF5)
bool dg_read_keras(dg_arrays *arrays, dg_error *err) {
  (void)arrays;
  return lacks("libzip and HDF5, which read Keras's files", "libzip-dev and libhdf5-dev", err);
}
#endif

#ifndef DIGITS_HAVE_PROTOBUF
bool dg_write_onnx(const char *path, const dg_model *model, const dg_model_graph *graph,
                   const dg_arrays *arrays, dg_error *err) {
  (void)path, (void)model, (void)graph, (void)arrays;
  return lacks("protobuf-c, which writes ONNX", "libprotobuf-c-dev and protobuf-c-compiler", err);
}
#endif
