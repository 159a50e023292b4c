/**
 * Errors as values: every function of the library that can fail takes a
 * `dg_error *` last, returns false or NULL on failure, and leaves there what
 * happened. The library never prints, exits or asserts on input.
 */
#ifndef DG_ERROR_H
#define DG_ERROR_H

#include <stdbool.h>

/** What kind of failure; the programs turn it into their exit code. */
typedef enum {
  DG_OK = 0,
  DG_ERR_INPUT,       /**< wrong usage or wrong input: exit 2 */
  DG_ERR_RUNTIME,     /**< a failure at run time (device, disk, numbers): exit 1 */
  DG_ERR_MEMORY,      /**< too little memory on the host or the device: exit 1 */
  DG_ERR_UNSUPPORTED, /**< this backend or device can't do that: exit 1 */
  DG_ERR_INTERRUPTED, /**< stopped by the caller: exit 130 */
} dg_error_kind;

/** An error value. The caller owns it; set all to zero before its first use. */
typedef struct {
  dg_error_kind kind;
  char message[1024]; /**< one sentence, with the remedy where there is one; UTF-8 that may be
                           shown: names of strangers in it are escaped by dg_visible */
} dg_error;

/**
 * Sets `err` (which may be NULL) and returns false, so that a function can
 * `return dg_fail(err, DG_ERR_INPUT, "…", …);`. Overlong messages are cut.
 */
__attribute__((format(printf, 3, 4))) bool dg_fail(dg_error *err, dg_error_kind kind,
                                                   const char *format, ...);

/** Puts text and ": " before the message that `err` holds already; returns false. */
__attribute__((format(printf, 2, 3))) bool dg_fail_prefix(dg_error *err, const char *format, ...);

/** Puts text behind the message that `err` holds already; returns false. */
__attribute__((format(printf, 2, 3))) bool dg_fail_suffix(dg_error *err, const char *format, ...);

/** dg_fail for an allocation of host memory of `bytes` that failed. */
bool dg_fail_memory(dg_error *err, unsigned long long bytes);

#endif
