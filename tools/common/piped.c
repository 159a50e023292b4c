#include "tools/common/piped.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/base/file/pipe.h"

static const uint64_t MOST = (uint64_t)4 << 30;

bool piped(const char **path, char *own, dg_error *err) {
  uint64_t size;
  if (!*path || !dg_pipe_is(*path)) return true;
  const int named = dg_pipe_descriptor(*path), kept = dg_pipe_keep(*path, MOST, &size, err);
  if (kept < 0) return false;
  if (named < 0) {
    snprintf(own, PIPED_PATH, "/dev/fd/%d", kept);
    *path = own;
    return true;
  }
  const bool ok =
      dup2(kept, named) >= 0 || dg_fail(err, DG_ERR_RUNTIME, "%s: %s", *path, strerror(errno));
  close(kept);
  return ok;
}
