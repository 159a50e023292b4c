#include "core/base/file/input.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file/descriptor.h"
#include "core/base/file/file.h"
#include "core/base/file/pipe.h"

int dg_input_open(const char *path, uint64_t most, uint64_t *size, dg_error *err) {
  return dg_pipe_is(path) ? dg_pipe_keep(path, most, size, err) : dg_file_open(path, size, err);
}

char *dg_input_read(const char *path, uint64_t most, size_t *size, dg_error *err) {
  uint64_t length;
  if (!dg_pipe_is(path)) return dg_file_read(path, most, size, err);
  const int file = dg_pipe_keep(path, most, &length, err);
  if (file < 0) return NULL;
  char *content = calloc(1, (size_t)length + DG_FILE_SPARE);
  if (!content) dg_fail_memory(err, length);
  const int reason = content ? dg_read_at(file, content, (size_t)length, 0) : 0;
  close(file);
  *size = (size_t)length;
  if (!reason) return content;
  dg_fail(err, DG_ERR_RUNTIME, "%s: the pipe can't be read: %s", path, strerror(reason));
  free(content);
  return NULL;
}
