#include "core/base/file/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <zlib.h>

enum { PIECE = 1 << 16 };

int dg_open_file(const char *path, int flags, mode_t mode) {
  int descriptor;
  do descriptor = open(path, flags | O_CLOEXEC, mode);
  while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

int dg_write_all(int descriptor, const void *bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t now = write(descriptor, (const char *)bytes + done, size - done);
    if (now < 0 && errno != EINTR) return errno;
    if (now > 0) done += (size_t)now;
  }
  return 0;
}

int dg_write_at(int descriptor, const void *bytes, size_t size, uint64_t offset) {
  for (size_t done = 0; done < size;) {
    ssize_t now =
        pwrite(descriptor, (const char *)bytes + done, size - done, (off_t)(offset + done));
    if (now < 0 && errno != EINTR) return errno;
    if (now > 0) done += (size_t)now;
  }
  return 0;
}

int dg_read_at(int descriptor, void *bytes, size_t size, uint64_t offset) {
  for (size_t done = 0; done < size;) {
    ssize_t now = pread(descriptor, (char *)bytes + done, size - done, (off_t)(offset + done));
    if (now == 0) return EIO;
    if (now < 0 && errno != EINTR) return errno;
    if (now > 0) done += (size_t)now;
  }
  return 0;
}

int dg_sync(int descriptor) {
  while (fsync(descriptor) != 0)
    if (errno != EINTR) return errno;
  return 0;
}

int dg_sum(int descriptor, uint64_t size, uint32_t *sum) {
  unsigned char bytes[PIECE];
  uLong so_far = crc32_z(0, NULL, 0);
  for (uint64_t offset = 0; offset < size;) {
    size_t next = size - offset < PIECE ? (size_t)(size - offset) : PIECE;
    int reason = dg_read_at(descriptor, bytes, next, offset);
    if (reason) return reason;
    so_far = crc32_z(so_far, bytes, next);
    offset += next;
  }
  *sum = (uint32_t)so_far;
  return 0;
}

int dg_lock(int descriptor) {
  while (flock(descriptor, LOCK_EX | LOCK_NB) != 0)
    if (errno != EINTR) return errno;
  return 0;
}
