/** Functions that fill in errors (digits/error.h). */
#ifndef DG_ERROR_H
#define DG_ERROR_H

#include "digits/error.h"

/**
 * Sets `err` (which may be NULL) and returns false, so that a function can
 * `return dg_fail(err, DG_ERR_INPUT, "…", …);`. Overlong messages are cut.
 */
__attribute__((format(printf, 3, 4))) bool dg_fail(dg_error *err, dg_error_kind kind,
                                                   const char *format, ...);

/** Puts text and ": " before the message in `err`; returns false. */
__attribute__((format(printf, 2, 3))) bool dg_fail_prefix(dg_error *err, const char *format, ...);

/** Appends text to the message in `err`; returns false. */
__attribute__((format(printf, 2, 3))) bool dg_fail_suffix(dg_error *err, const char *format, ...);

/** Sets the remedy of an error that has just been made; returns false. */
bool dg_advise(dg_error *err, dg_remedy remedy);

/** dg_fail for an allocation of host memory of `bytes` that failed. */
bool dg_fail_memory(dg_error *err, unsigned long long bytes);

#endif
