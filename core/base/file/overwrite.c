#include "core/base/file/overwrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file/descriptor.h"
#include "core/base/file/temporary.h"

enum { PIECE = 1 << 16 };

/** Copies so many bytes of one file over another and truncates that. Returns 0 or an errno. */
static int copy_over(int from, int to, uint64_t size) {
  unsigned char bytes[PIECE];
  int reason = 0;
  for (uint64_t offset = 0; !reason && offset < size; offset += PIECE) {
    size_t next = size - offset < PIECE ? (size_t)(size - offset) : PIECE;
    reason = dg_read_at(from, bytes, next, offset);
    if (!reason) reason = dg_write_at(to, bytes, next, offset);
  }
  if (!reason && ftruncate(to, (off_t)size) != 0) reason = errno;
  return reason ? reason : dg_sync(to);
}

/** Copies, and reads the copy back. */
static int copy_surely(int from, int to, uint64_t size) {
  uint32_t wanted, got;
  int reason = copy_over(from, to, size);
  if (!reason) reason = dg_sum(from, size, &wanted);
  if (!reason) reason = dg_sum(to, size, &got);
  return reason ? reason : wanted == got ? 0 : EIO;
}

/** Makes a copy of the old file beside it; returns its descriptor, or -1 with the reason in
    errno. */
static int keep_copy(int target, uint64_t size, const char *stem, char **name) {
  int copy = dg_temporary_new(stem, DG_COPY_END, name);
  if (copy < 0) return -1;
  fchmod(copy, S_IRUSR | S_IWUSR);
  int reason = copy_surely(target, copy, size);
  if (!reason) {
    dg_sync_folder(stem);
    return copy;
  }
  unlink(*name);
  free(*name);
  *name = NULL;
  close(copy);
  errno = reason;
  return -1;
}

/** dg_overwrite for an open target. */
static int write_over(int from, uint64_t size, int target, const char *stem, char **copy) {
  struct stat old;
  if (fstat(target, &old) != 0) return errno;
  int kept = keep_copy(target, (uint64_t)old.st_size, stem, copy);
  if (kept < 0) return errno;
  int reason = copy_surely(from, target, size);
  if (!reason || copy_surely(kept, target, (uint64_t)old.st_size) == 0) {
    unlink(*copy);
    free(*copy);
    *copy = NULL;
  }
  close(kept);
  return reason;
}

int dg_overwrite(int from, uint64_t size, const char *path, const char *stem, char **copy) {
  *copy = NULL;
  int target = dg_open_file(path, O_RDWR | O_NOFOLLOW, 0);
  if (target < 0) return errno;
  int reason =
      dg_lock(target) == EWOULDBLOCK ? EWOULDBLOCK : write_over(from, size, target, stem, copy);
  close(target);
  return reason;
}
