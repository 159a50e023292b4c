/** Devices on which networks run. */
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
 * Threads: several threads may open devices and use different ones at the same time. One device
 * runs one call at a time. Predictors of one device may be used from several threads; their calls
 * take turns. All other uses of a device (trainers, tuning, making and freeing objects) are limited
 * to one thread at a time.
 *
 * Effects on the program: opening a device of the backend "cpu" starts threads, which block all
 * signals, and sets the thread count of OpenBLAS to 1 unless `keep_blas_threads` is set. Tuning
 * results and compiled kernels are cached in $DIGITS_CACHE, or else in $XDG_CACHE_HOME/digits or
 * ~/.cache/digits; DIGITS_CACHE=off turns the cache off.
 *
 * After `fork`, the parent goes on as before. The child has none of the threads of the parent's
 * devices and drivers: it must not use, nor close, a device of its parent or anything made on one
 * (trainers, predictors), and must not use OpenCL, whose drivers don't survive a fork. It may open
 * devices of the backend "cpu" of its own, use data sets, pictures and models, and run another
 * program (`exec`), which may do everything.
 */
typedef struct dg_device dg_device;

/** A device that can be opened, or one with a fault, or a driver with a fault. */
typedef struct {
  const char *backend; /**< "opencl", "cpu" */
  unsigned number;     /**< within the backend, for dg_open */
  char name[128], platform[128], version[128], driver[128];
  unsigned compute_units; /**< processors of a CPU */
  uint64_t memory;        /**< bytes */
  bool gpu;
  char tuned[96];  /**< see dg_device_tuned */
  char fault[256]; /**< why it can't be used, as the driver says; empty: it can */
} dg_device_info;

/**
 * Writes up to `capacity` devices of all backends to `out`, elements of `size` bytes
 * (sizeof(dg_device_info)), and their total number to `count`. In each backend, devices that can be
 * used come first. The others follow, each with its fault: devices that are not available or lack
 * what is needed, platforms whose devices can't be listed, and driver files that lead to no driver.
 */
DG_API bool dg_device_list(dg_device_info *out, size_t size, size_t capacity, size_t *count,
                           dg_error *err);

/**
 * Opens a device. `backend` NULL: opencl if it has a device, else cpu. `device` is its number or a
 * part of its name; NULL: the first of the backend that can be opened. If neither is given and no
 * device of opencl can be opened, cpu is used; dg_device_backend says which it is. `threads` is for
 * the cpu; 0: one for each processor that the process may use.
 */
DG_API dg_device *dg_open(const char *backend, const char *device, unsigned threads, dg_error *err);

/** Options of dg_device_open. All but `size` may be 0 or NULL. */
typedef struct {
  size_t size; /**< sizeof(dg_device_options) */
  const char *backend, *device;
  unsigned threads;       /**< these three: see dg_open */
  bool profile;           /**< measure the time of each op (dg_trainer_costs), which is slower */
  bool keep_blas_threads; /**< cpu: don't change OpenBLAS's thread count. More than one makes the
                             backend slower, since it calls OpenBLAS from its own threads */
  dg_note *note;          /**< opencl: called once if compiled kernels can't be kept for later */
  void *user;             /**< of `note` */
} dg_device_options;

/** dg_open with more options. */
DG_API dg_device *dg_device_open(const dg_device_options *options, dg_error *err);

/** Closes a device. Free everything that uses it before. NULL is allowed. */
DG_API void dg_close(dg_device *device);

/** "cpu" or "opencl". This string and the next one belong to the device. */
DG_API const char *dg_device_backend(const dg_device *device);
/** The name that the driver reports. */
DG_API const char *dg_device_name(const dg_device *device);
/** Number of threads that the backend computes on; 0 if the driver decides. */
DG_API unsigned dg_device_threads(const dg_device *device);
/** Compute units of a device; for a CPU, the processors that the process may use. */
DG_API unsigned dg_device_compute_units(const dg_device *device);
/** Readable text of the choices of dg_device_tune that differ from the defaults; empty if none
    does. */
DG_API const char *dg_device_tuned(const dg_device *device);

/** A tile size that was tried for a kernel. */
typedef struct {
  char kernel[16];
  char tile[32];
  double operations; /**< per second, mean over some ops that use the kernel; 0: not measured */
  bool by_default, chosen;
  char fault[96]; /**< why it was excluded; empty: it was not */
} dg_trial;

/**
 * Measures the possible tile sizes of a device's kernels, uses the fastest from now on, and saves
 * the choice on disk for later processes. Tile sizes change no result; choices that do, such as a
 * product computed by another library, are shown by dg_device_tuned. Writes up to `capacity` trials
 * to `out`, elements of `size` bytes (sizeof(dg_trial)), grouped by kernel, their total number to
 * `count` (0: the backend has nothing to tune), and to `saved` whether the choice could be saved.
 * Takes some seconds. No network may exist on the device.
 */
DG_API bool dg_device_tune(dg_device *device, dg_trial *out, size_t size, size_t capacity,
                           size_t *count, bool *saved, dg_error *err);

#ifdef __cplusplus
}
#endif

#endif
