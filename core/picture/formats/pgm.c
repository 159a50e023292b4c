/** PGM, plain (P2) and raw (P5): https://netpbm.sourceforge.net/doc/pgm.html */
#include <ctype.h>

#include "core/base/error.h"
#include "core/picture/formats/formats.h"

enum { MAX_GRAY = 65535, MAX_SIDE = 100000000 };

bool dg_is_pgm(const dg_picture_file *file) {
  return file->size >= 3 && file->bytes[0] == 'P' &&
         (file->bytes[1] == '2' || file->bytes[1] == '5') &&
         (isspace(file->bytes[2]) || file->bytes[2] == '#');
}

/** The state of reading. */
typedef struct {
  const uint8_t *at, *end;
} cursor;

/** Skips white space, and comments from # to the end of the line. */
static void skip_space(cursor *c) {
  bool comment = false;
  for (; c->at < c->end && (comment || isspace(*c->at) || *c->at == '#'); c->at++)
    comment = *c->at == '#' || (comment && *c->at != '\n' && *c->at != '\r');
}

/** Reads a decimal number up to `most`. */
static bool read_number(cursor *c, uint32_t most, uint32_t *number) {
  skip_space(c);
  const uint8_t *first = c->at;
  for (*number = 0; c->at < c->end && isdigit(*c->at) && *number <= most; c->at++)
    *number = *number * 10 + (uint32_t)(*c->at - '0');
  return c->at > first && *number <= most;
}

/** Reads one gray value of a raw picture, one or two bytes. */
static bool read_raw(cursor *c, uint32_t most, uint32_t *gray) {
  if (c->end - c->at < (most > 255 ? 2 : 1)) return false;
  *gray = *c->at++;
  if (most > 255) *gray = *gray << 8 | *c->at++;
  return *gray <= most;
}

/** Reads the gray values, from 0 to `most`. */
static bool read_pixels(dg_picture *picture, cursor *c, bool raw, uint32_t most, unsigned depth) {
  size_t count = (size_t)picture->height * picture->width;
  uint8_t *to = picture->pixels;
  for (size_t i = 0; i < count; i++) {
    uint32_t gray;
    if (!(raw ? read_raw(c, most, &gray) : read_number(c, most, &gray))) return false;
    for (int copies = depth ? 3 : 1; copies > 0; copies--)
      to = dg_put_colour(to, gray, most, depth);
  }
  return true;
}

/** Reads the header, and the single white space before raw gray values. */
static bool read_header(dg_picture *picture, const dg_picture_file *file, cursor *c, uint32_t *most,
                        dg_error *err) {
  *c = (cursor){file->bytes + 2, file->bytes + file->size};
  if (!read_number(c, MAX_SIDE, &picture->width) || !read_number(c, MAX_SIDE, &picture->height) ||
      !read_number(c, MAX_GRAY, most) || *most == 0)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: damaged PGM file: expected width, height and the largest gray, 1 to %d; "
                   "save it again",
                   file->name, MAX_GRAY);
  if (file->bytes[1] == '5' && c->at < c->end && !isspace(*c->at++))
    return dg_fail(
        err, DG_ERR_INPUT,
        "%s: damaged PGM file: one white space is expected behind the largest gray; save "
        "it again",
        file->name);
  return dg_picture_check(file, picture->height, picture->width, err);
}

bool dg_measure_pgm(dg_picture *picture, const dg_picture_file *file, dg_error *err) {
  cursor c;
  uint32_t most;
  return read_header(picture, file, &c, &most, err);
}

bool dg_read_pgm(dg_picture *picture, const dg_picture_file *file, dg_error *err) {
  cursor c;
  uint32_t most;
  bool raw = file->bytes[1] == '5';
  if (!read_header(picture, file, &c, &most, err)) return false;
  uint32_t height = picture->height, width = picture->width;
  uint64_t least = (uint64_t)height * width * (raw && most <= 255 ? 1 : 2);
  bool cut = (uint64_t)(c.end - c.at) + !raw < least;
  if (!cut && !dg_picture_allocate(picture, file, height, width, dg_pixel_bytes(file), err))
    return false;
  return (!cut && read_pixels(picture, &c, raw, most, file->depth)) ||
         dg_fail(
             err, DG_ERR_INPUT,
             "%s: damaged PGM file: a gray of the %u x %u is missing or above %u; save it again",
             file->name, width, height, most);
}
