/** JPEG, by libjpeg-turbo, rotated by its Exif orientation. */
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "core/base/error.h"
#include "core/picture/formats/exif.h"
#include "core/picture/formats/formats.h"

bool dg_is_jpeg(const dg_picture_file *file) {
  return file->size >= 3 && file->bytes[0] == 0xff && file->bytes[1] == 0xd8 &&
         file->bytes[2] == 0xff;
}

/* ---- turning ------------------------------------------------------------ */

/** Rotates and mirrors a picture so that the top of the scene is its first row. The orientation is
    that of dg_exif_orientation; 0: unknown. */
static bool turn(dg_picture *picture, unsigned how, dg_error *err) {
  bool across = how >= 5;
  bool bottom_first = how == 3 || how == 4 || how == 6 || how == 7;
  bool right_first = how == 2 || how == 3 || how == 7 || how == 8;
  if (how <= 1) return true;
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

/* ---- markers ------------------------------------------------------------ */

/** What a file's markers (ITU-T T.81, annex B) say: the cost of decoding, and the orientation. */
typedef struct {
  uint64_t scanned; /**< components in all scans; each one visits all its blocks of the picture */
  bool arithmetic;  /**< arithmetic coding: a bit may code any number of blocks */
  unsigned held;    /**< orientation, see dg_exif_orientation; 0: no Exif data */
} markers;

enum { START_OF_SCAN = 0xda, END_OF_IMAGE = 0xd9, APPLICATION_1 = 0xe1, TEMPORARY = 0x01 };

/** Is it a marker without a segment, or a byte of coded data? */
static bool is_bare(uint8_t marker) {
  return marker == 0 || marker == TEMPORARY || (marker >= 0xd0 && marker <= 0xd8);
}

/** Is it the start of an arithmetic-coded frame? 0xcc defines its tables. */
static bool is_arithmetic(uint8_t marker) {
  return marker >= 0xc9 && marker <= 0xcf && marker != 0xcc;
}

/** Reads a segment, starting with its length, if it has Exif data. */
static unsigned orientation(const uint8_t *segment, size_t length) {
  static const char name[] = "Exif\0"; /* with two zeros */
  size_t head = 2 + sizeof name;
  if (length < head || memcmp(segment + 2, name, sizeof name) != 0) return 0;
  return dg_exif_orientation(segment + head, length - head);
}

static markers read_markers(const dg_picture_file *file) {
  markers m = {0};
  size_t at = 2, size = file->size;
  const uint8_t *bytes = file->bytes;
  while (at + 3 < size) {
    uint8_t marker = bytes[at + 1];
    if (bytes[at] != 0xff || marker == 0xff || is_bare(marker)) {
      at += bytes[at] == 0xff && marker != 0xff ? 2 : 1;
      continue;
    }
    if (marker == END_OF_IMAGE) break;
    if (marker == START_OF_SCAN && at + 4 < size) m.scanned += bytes[at + 4];
    m.arithmetic |= is_arithmetic(marker);
    size_t length = (size_t)bytes[at + 2] << 8 | bytes[at + 3], left = size - at - 2;
    if (marker == APPLICATION_1 && !m.held)
      m.held = orientation(bytes + at + 2, length < left ? length : left);
    at += 2 + length;
  }
  return m;
}

/* ---- reading ------------------------------------------------------------ */

static bool fail_damaged(const dg_picture_file *file, const char *why, dg_error *err) {
  return dg_fail(err, DG_ERR_INPUT, "%s: damaged or unknown form of JPEG file (%s); save it again",
                 file->name, why);
}

/**
 * Would a picture of so many pixels take too long, which even a small file may? A block of 8 x 8
 * pixels needs at least one bit (with the most extreme sampling of components, one bit per four
 * blocks), and takes time in each scan.
 */
static bool check_work(const dg_picture_file *file, markers m, uint64_t pixels, dg_error *err) {
  const uint64_t most_scanned = (uint64_t)1 << 30, most_of_byte = 8 * 64 * 4;
  if (m.arithmetic) return fail_damaged(file, "arithmetic coding, which few programs read", err);
  if (pixels > file->size * most_of_byte)
    return fail_damaged(file, "it is too short for its size", err);
  return pixels * m.scanned <= most_scanned ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: a JPEG file of too many scans for its size; save it again, not progressive",
                 file->name);
}

static bool measure(dg_picture *picture, const dg_picture_file *file, tjhandle handle,
                    dg_error *err) {
  /* a file with tables but no picture sets none of these */
  int width = 0, height = 0, sampling = 0, colours = 0;
  if (tjDecompressHeader3(handle, file->bytes, file->size, &width, &height, &sampling, &colours))
    return fail_damaged(file, tjGetErrorStr2(handle), err);
  if (colours == TJCS_CMYK || colours == TJCS_YCCK)
    return dg_fail(err, DG_ERR_INPUT, "%s: a JPEG file in CMYK; save it as RGB or gray",
                   file->name);
  *picture = (dg_picture){(uint32_t)height, (uint32_t)width, NULL};
  return dg_picture_check(file, picture->height, picture->width, err);
}

static bool decode(dg_picture *picture, const dg_picture_file *file, tjhandle handle,
                   dg_error *err) {
  const int flags = TJFLAG_LIMITSCANS | TJFLAG_STOPONWARNING;
  if (!measure(picture, file, handle, err)) return false;
  uint32_t height = picture->height, width = picture->width;
  markers m = read_markers(file);
  return check_work(file, m, (uint64_t)height * width, err) &&
         dg_picture_allocate(picture, file, height, width, 1, err) &&
         (tjDecompress2(handle, file->bytes, file->size, picture->pixels, (int)width, 0,
                        (int)height, TJPF_GRAY, flags) == 0 ||
          fail_damaged(file, tjGetErrorStr2(handle), err)) &&
         turn(picture, m.held, err);
}

/** Runs a function with a handle of libjpeg-turbo. */
static bool with_handle(dg_picture *picture, const dg_picture_file *file,
                        bool (*act)(dg_picture *, const dg_picture_file *, tjhandle, dg_error *),
                        dg_error *err) {
  tjhandle handle = tjInitDecompress();
  if (!handle) return dg_fail(err, DG_ERR_MEMORY, "%s: %s", file->name, tjGetErrorStr2(NULL));
  bool ok = act(picture, file, handle, err);
  tjDestroy(handle);
  return ok;
}

bool dg_measure_jpeg(dg_picture *picture, const dg_picture_file *file, dg_error *err) {
  return with_handle(picture, file, measure, err);
}

bool dg_read_jpeg(dg_picture *picture, const dg_picture_file *file, dg_error *err) {
  return with_handle(picture, file, decode, err);
}
