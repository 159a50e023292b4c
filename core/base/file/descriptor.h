/** Calls on open files that are repeated after a signal or a partial read or write. */
#ifndef DG_DESCRIPTOR_H
#define DG_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** open, repeated after a signal, with close-on-exec; -1: see errno. */
int dg_open_file(const char *path, int flags, mode_t mode);

/** Writes all bytes. Returns 0, or the errno of what failed. */
int dg_write_all(int descriptor, const void *bytes, size_t size);

/** Writes all bytes at an offset of the file. Returns 0, or the errno of what failed. */
int dg_write_at(int descriptor, const void *bytes, size_t size, uint64_t offset);

/**
 * Reads exactly so many bytes from an offset of the file. Returns 0, or an errno; EIO: the file is
 * too short.
 */
int dg_read_at(int descriptor, void *bytes, size_t size, uint64_t offset);

/** Flushes a file to the disk. Returns 0, or an errno. */
int dg_sync(int descriptor);

/** CRC-32 of the first `size` bytes. Returns 0, or an errno; EIO: the file is too short. */
int dg_sum(int descriptor, uint64_t size, uint32_t *sum);

/**
 * Locks a file for this open file description, without waiting. Returns 0, or an errno: EWOULDBLOCK
 * if another one holds the lock, others if the file system has no locks.
 */
int dg_lock(int descriptor);

#endif
