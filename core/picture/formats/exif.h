/** The orientation of a photograph from its Exif data (CIPA DC-008). */
#ifndef DG_EXIF_H
#define DG_EXIF_H

#include <stddef.h>
#include <stdint.h>

/**
 * The tag Orientation (0x112), 1 to 8, of `size` bytes of Exif data, starting with their TIFF
 * header. 1 means that the file's first row and column are the top and left of the scene; it is
 * also returned if there is no tag. From 5 on, rows are columns. Only the first directory is read,
 * once: libexif follows a directory's pointers to itself, which takes seconds for 64 KB.
 */
unsigned dg_exif_orientation(const uint8_t *bytes, size_t size);

#endif
