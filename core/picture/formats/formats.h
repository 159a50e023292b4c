/** The formats of pictures: formats.c detects them; png.c, jpeg.c and pgm.c each read one. */
#ifndef DG_FORMATS_H
#define DG_FORMATS_H

#include "core/picture/formats/pixels.h"

/** Does the file begin like those of a format? */
bool dg_is_png(const dg_picture_file *file);
bool dg_is_jpeg(const dg_picture_file *file);
bool dg_is_pgm(const dg_picture_file *file);

/** Reads height and width of one format without decoding the pixels. */
bool dg_measure_png(dg_picture *picture, const dg_picture_file *file, dg_error *err);
bool dg_measure_jpeg(dg_picture *picture, const dg_picture_file *file, dg_error *err);
bool dg_measure_pgm(dg_picture *picture, const dg_picture_file *file, dg_error *err);

/** Reads one format; on failure the caller frees the picture. */
bool dg_read_png(dg_picture *picture, const dg_picture_file *file, dg_error *err);
bool dg_read_jpeg(dg_picture *picture, const dg_picture_file *file, dg_error *err);
bool dg_read_pgm(dg_picture *picture, const dg_picture_file *file, dg_error *err);

#endif
