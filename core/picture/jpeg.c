/** JPEG, by libjpeg-turbo, turned as the Exif data in it say (by libexif). */
#include <libexif/exif-data.h>
#include <stdlib.h>
#include <turbojpeg.h>

#include "core/picture/formats.h"

bool dg_is_jpeg(const dg_picture_file *file) {
  return file->size >= 3 && file->bytes[0] == 0xff && file->bytes[1] == 0xd8 &&
         file->bytes[2] == 0xff;
}

/* ---- turning ------------------------------------------------------------ */

/**
 * How the camera was held, 1 to 8, by the Exif standard (CIPA DC-008, tag 0x112): the sides of the
 * scene that the file's first row and first column show are top and left for 1; from 5 on rows
 * show columns.
 */
static unsigned orientation(const dg_picture_file *file) {
  unsigned found = 1;
  ExifData *data = exif_data_new_from_data(file->bytes, (unsigned)file->size);
  ExifEntry *entry = data ? exif_data_get_entry(data, EXIF_TAG_ORIENTATION) : NULL;
  if (entry && entry->format == EXIF_FORMAT_SHORT && entry->components == 1)
    found = exif_get_short(entry->data, exif_data_get_byte_order(data));
  if (data) exif_data_unref(data);
  return found >= 1 && found <= 8 ? found : 1;
}

/** Turns and mirrors a picture so that the top of the scene is its first row. */
static bool turn(dg_picture *picture, unsigned how, dg_error *err) {
  bool across = how >= 5;
  bool bottom_first = how == 3 || how == 4 || how == 6 || how == 7;
  bool right_first = how == 2 || how == 3 || how == 7 || how == 8;
  if (how == 1) return true;
  uint32_t height = picture->height, width = picture->width;
  dg_picture turned = {across ? width : height, across ? height : width,
                       malloc((size_t)height * width)};
  if (!turned.pixels) return dg_fail_memory(err, (size_t)height * width);
  uint8_t *to = turned.pixels;
  for (uint32_t row = 0; row < turned.height; row++)
    for (uint32_t column = 0; column < turned.width; column++) {
      uint32_t y = across ? column : row, x = across ? row : column;
      if (bottom_first) y = height - 1 - y;
      if (right_first) x = width - 1 - x;
      *to++ = picture->pixels[(size_t)y * width + x];
    }
  dg_picture_free(picture);
  *picture = turned;
  return true;
}

/* ---- reading ------------------------------------------------------------ */

static bool fail_damaged(const dg_picture_file *file, tjhandle handle, dg_error *err) {
  return dg_fail(err, DG_ERR_INPUT, "%s: damaged or unknown form of JPEG file (%s); save it again",
                 file->name, tjGetErrorStr2(handle));
}

static bool decode(dg_picture *picture, const dg_picture_file *file, tjhandle handle,
                   dg_error *err) {
  /* a file of tables without a picture sets none of these */
  int width = 0, height = 0, sampling = 0, colours = 0;
  /* a scan takes time in proportion to the picture, and a small file can hold many */
  const int flags = TJFLAG_LIMITSCANS | TJFLAG_STOPONWARNING;
  if (tjDecompressHeader3(handle, file->bytes, file->size, &width, &height, &sampling, &colours))
    return fail_damaged(file, handle, err);
  if (colours == TJCS_CMYK || colours == TJCS_YCCK)
    return dg_fail(err, DG_ERR_INPUT, "%s: a JPEG file in CMYK; save it as RGB or gray",
                   file->name);
  if (!dg_picture_allocate(picture, file, (uint64_t)height, (uint64_t)width, 1, err)) return false;
  return tjDecompress2(handle, file->bytes, file->size, picture->pixels, width, 0, height,
                       TJPF_GRAY, flags) == 0 ||
         fail_damaged(file, handle, err);
}

bool dg_read_jpeg(dg_picture *picture, const dg_picture_file *file, dg_error *err) {
  tjhandle handle = tjInitDecompress();
  if (!handle) return dg_fail(err, DG_ERR_MEMORY, "%s: %s", file->name, tjGetErrorStr2(NULL));
  bool right = decode(picture, file, handle, err);
  tjDestroy(handle);
  return right && turn(picture, orientation(file), err);
}
