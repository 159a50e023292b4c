/** Which functions the shared library exports. Included by every other header. */
#ifndef DIGITS_EXPORT_H
#define DIGITS_EXPORT_H

#if defined(__GNUC__) || defined(__clang__)
#define DG_API __attribute__((visibility("default")))
#else
#define DG_API
#endif

#endif
