#include "core/base/file/input.h"

#include "core/base/file/file.h"
#include "core/base/file/pipe.h"

int dg_input_open(const char *path, uint64_t most, uint64_t *size, dg_error *err) {
  return dg_pipe_is(path) ? dg_pipe_keep(path, most, size, err) : dg_file_open(path, size, err);
}

char *dg_input_read(const char *path, uint64_t most, size_t *size, dg_error *err) {
  return dg_pipe_is(path) ? dg_pipe_read(path, most, size, err)
                          : dg_file_read(path, most, size, err);
}
