/** What the fuzz targets share: bytes as a file, for readers that take a path. */
#ifndef DG_TESTS_FUZZ_FILE_H
#define DG_TESTS_FUZZ_FILE_H

#include <stddef.h>
#include <stdint.h>

/** A file in memory that holds these bytes; one at a time. Its path stays the same. */
const char *fuzz_file(const uint8_t *bytes, size_t size);

/** The same with a name of its own in a folder, for libraries that ask for its real path. */
const char *fuzz_named_file(const uint8_t *bytes, size_t size);

/** Reads every byte, so that a sanitizer sees those that aren't there. */
void fuzz_touch(const void *bytes, size_t count);

#endif
