/** Devices: where networks run. */
#ifndef DIGITS_DEVICE_H
#define DIGITS_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "digits/error.h"
#include "digits/export.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * An open device.
 *
 * Threads: several threads may open devices and use different ones at the same time. What runs on
 * one device runs one call at a time: predictors of one device may be used from several threads and
 * take turns; anything else on it (trainers, tuning, making and freeing) is for one thread at a
 * time.
 *
 * Effects on the program: opening a device of the backend "cpu" starts threads, which block all
 * signals, and sets the thread count of OpenBLAS to 1 unless `keep_blas_threads` is set. After
 * `fork`, the child must not use a device of its parent. Choices and compiled kernels are cached in
 * $DIGITS_CACHE, or else in $XDG_CACHE_HOME/digits or ~/.cache/digits; an empty DIGITS_CACHE turns
 * that off.
 */
typedef struct dg_device dg_device;

/** A device that could be opened. */
typedef struct {
  const char *backend; /**< "opencl", "cpu" */
  unsigned number;     /**< within the backend, for dg_open */
  char name[128], platform[128], version[128], driver[128];
  unsigned compute_units; /**< processors of a CPU */
  uint64_t memory;        /**< bytes */
  bool gpu;
  char tuned[96]; /**< as dg_device_tuned */
} dg_device_info;

/**
 * Writes up to `capacity` devices of all backends to `out`, elements of `size` bytes
 * (sizeof(dg_device_info)), and to `count` how many there are.
 */
DG_API bool dg_device_list(dg_device_info *out, size_t size, size_t capacity, size_t *count,
                           dg_error *err);

/**
 * Opens a device. `backend` NULL: opencl where it has a device, else cpu. `device` NULL: the first
 * of the backend; else its number or a part of its name. `threads` of the cpu, 0: as many as there
 * are processors that the process may use.
 */
DG_API dg_device *dg_open(const char *backend, const char *device, unsigned threads, dg_error *err);

/** How to open a device. All but `size` may be 0 or NULL. */
typedef struct {
  size_t size; /**< sizeof(dg_device_options) */
  const char *backend, *device;
  unsigned threads;       /**< these three as for dg_open */
  bool profile;           /**< measure the time of each op (dg_trainer_costs), which is slower */
  bool keep_blas_threads; /**< cpu: leave OpenBLAS's thread count as the program has set it. More
                               than one makes the backend slower: it calls OpenBLAS from its own
                               threads */
} dg_device_options;

/** dg_open with more to choose. */
DG_API dg_device *dg_device_open(const dg_device_options *options, dg_error *err);

/** Closes a device, after all that uses it was freed. NULL is allowed. */
DG_API void dg_close(dg_device *device);

/** "cpu" or "opencl". This string and the next one belong to the device. */
DG_API const char *dg_device_backend(const dg_device *device);
/** What the driver calls it. */
DG_API const char *dg_device_name(const dg_device *device);
/** Threads that the backend computes on; 0 where the driver decides. */
DG_API unsigned dg_device_threads(const dg_device *device);
/** Compute units of a device; the processors of a CPU that the process may use. */
DG_API unsigned dg_device_compute_units(const dg_device *device);
/** What dg_device_tune chose otherwise than by default, for people; else empty. */
DG_API const char *dg_device_tuned(const dg_device *device);

/** A tile that a kernel was tried with. */
typedef struct {
  char kernel[16];
  char tile[32];
  double operations; /**< a second, the mean over some ops that the kernel does; 0: not measured */
  bool by_default, chosen;
  char fault[96]; /**< why it was left out; empty: it was not */
} dg_trial;

/**
 * Measures the tiles that the kernels of a device can have, takes the fastest from now on, and
 * saves the choice on disk for all who open the device later. Tiles change no result; what does,
 * such as a product that another library computes, is told by dg_device_tuned. Writes up to
 * `capacity` trials to `out`, elements of `size` bytes (sizeof(dg_trial)), those of a kernel
 * together, and to `count` how many there were (0: the backend has nothing to choose); `saved`:
 * could the choice be saved? Takes some seconds. No network may be on the device.
 */
DG_API bool dg_device_tune(dg_device *device, dg_trial *out, size_t size, size_t capacity,
                           size_t *count, bool *saved, dg_error *err);

#ifdef __cplusplus
}
#endif

#endif
