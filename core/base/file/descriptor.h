/** Calls on open files that a signal may interrupt or that do a part alone, done to their end. */
#ifndef DG_DESCRIPTOR_H
#define DG_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** open, again where a signal interrupted it, closed in programs that are started; -1: errno. */
int dg_open_file(const char *path, int flags, mode_t mode);

/** Writes all bytes. Returns 0, or the errno of what failed. */
int dg_write_all(int descriptor, const void *bytes, size_t size);

/** Writes all bytes at an offset of the file. Returns 0, or the errno of what failed. */
int dg_write_at(int descriptor, const void *bytes, size_t size, uint64_t offset);

/** Reads just so many bytes from an offset of the file. Returns 0, or an errno; EIO: it ends there.
 */
int dg_read_at(int descriptor, void *bytes, size_t size, uint64_t offset);

/** Brings a file to the disk. Returns 0, or an errno. */
int dg_sync(int descriptor);

/** CRC-32 of the first `size` bytes. Returns 0, or an errno; EIO: it ends before. */
int dg_sum(int descriptor, uint64_t size, uint32_t *sum);

/**
 * Locks a file for this opening of it alone, without waiting. Returns 0, or an errno: EWOULDBLOCK
 * where another one has it, others where the file system knows no locks.
 */
int dg_lock(int descriptor);

#endif
