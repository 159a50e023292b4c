/** The version of the library. */
#ifndef DIGITS_VERSION_H
#define DIGITS_VERSION_H

#include "digits/export.h"

#define DG_VERSION_MAJOR 0
#define DG_VERSION_MINOR 1
#define DG_VERSION_PATCH 0

/** The version of these headers as one number, for comparisons: 0.1.0 is 100. */
#define DG_VERSION_NUMBER (DG_VERSION_MAJOR * 10000 + DG_VERSION_MINOR * 100 + DG_VERSION_PATCH)

#ifdef __cplusplus
extern "C" {
#endif

/** The version of the linked library, "major.minor.patch". */
DG_API const char *dg_version(void);

#ifdef __cplusplus
}
#endif

#endif
