/** How a camera was held, as the Exif data (CIPA DC-008) of a photograph say. */
#ifndef DG_EXIF_H
#define DG_EXIF_H

#include <stddef.h>
#include <stdint.h>

/**
 * The tag Orientation (0x112), 1 to 8, of `size` bytes of Exif data, from their TIFF header on: the
 * sides of the scene that the file's first row and first column show are top and left for 1, as
 * where there is none; from 5 on rows show columns. Of the first directory alone, once: libexif
 * follows a directory's pointers to itself, which takes seconds for 64 KB.
 */
unsigned dg_exif_orientation(const uint8_t *bytes, size_t size);

#endif
