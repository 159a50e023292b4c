/**
 * PNG, by libpng. Pixels are the numbers in the file: chunks on gamma and colour (gAMA, sRGB, iCCP,
 * cHRM) are ignored, as usual in training on pictures. It is rotated by its Exif orientation.
 */
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/picture/formats/exif.h"
#include "core/picture/formats/formats.h"
#include "core/picture/formats/turn.h"

enum {
  MAX_INFLATION = 1032,   /* most bytes that deflate unpacks from one */
  MAX_CHUNK = 1 << 20,    /* bytes of a chunk that is stored; chunks of pixels are not */
  MAX_UNPACKED = 3 << 25, /* bytes of rows that are allowed for any file size */
  MAX_CHANNELS = 4
};

/** A file that is being read. */
typedef struct {
  const dg_picture_file *file;
  size_t at; /**< index in its bytes */
  png_structp png;
  png_infop info;
  uint8_t *row; /**< one row of libpng's */
  dg_picture *picture;
  dg_error *err;
  jmp_buf failed;
} reading;

bool dg_is_png(const dg_picture_file *file) {
  return file->size >= 8 && png_sig_cmp(file->bytes, 0, 8) == 0;
}

/* ---- what libpng calls -------------------------------------------------- */

static void on_error(png_structp png, const char *message) {
  reading *r = png_get_error_ptr(png);
  dg_fail(r->err, DG_ERR_INPUT, "%s: damaged PNG file (%s); save it again", r->file->name, message);
  longjmp(r->failed, 1);
}

static void on_warning(png_structp png, const char *message) {
  (void)png, (void)message;
}

static void on_read(png_structp png, png_bytep bytes, size_t count) {
  reading *r = png_get_io_ptr(png);
  if (count > r->file->size - r->at) png_error(png, "it is cut off");
  memcpy(bytes, r->file->bytes + r->at, count);
  r->at += count;
}

/* ---- pixels ------------------------------------------------------------- */

/**
 * Stores a row of gray or colour pixels, each with alpha or without, to the picture from `to` on,
 * in steps of `apart` pixels. With alpha, each pixel takes two bytes.
 */
static void take_row(const uint8_t *row, uint32_t count, unsigned channels, uint8_t *to,
                     size_t apart) {
  bool colours = channels >= 3, opacity = channels % 2 == 0;
  for (uint32_t i = 0; i < count; i++, row += channels, to += apart << opacity) {
    to[0] = colours ? dg_gray_of(row) : row[0];
    if (opacity) to[1] = row[channels - 1];
  }
}

/** A colour or alpha of 8 or 16 bits, with its high byte first. */
static uint32_t sample_at(const uint8_t *row, size_t i, unsigned depth) {
  return depth == 2 ? (uint32_t)row[2 * i] << 8 | row[2 * i + 1] : row[i];
}

/** The same for pixels of three colours, each with alpha over white or without. */
static void take_colours(const uint8_t *row, uint32_t count, unsigned channels, unsigned depth,
                         uint8_t *to, size_t apart) {
  const uint64_t most = depth == 2 ? UINT16_MAX : UINT8_MAX;
  for (size_t i = 0; i < count; i++, to += (apart - 1) * 3 * depth)
    for (size_t c = 0; c < 3; c++) {
      const uint64_t alpha = channels == 4 ? sample_at(row, i * 4 + 3, depth) : most;
      const uint64_t colour = sample_at(row, i * channels + c, depth);
      to = dg_put_colour(to, (uint32_t)((colour * alpha + most * (most - alpha) + most / 2) / most),
                         (uint32_t)most, depth);
    }
}

/**
 * Blends pixels of two bytes, gray and alpha, with a background, and packs them to one byte each.
 * The background is white if the visible pixels are rather dark, else black.
 */
static void flatten(uint8_t *pixels, size_t count) {
  uint64_t light = 0, opaque = 0;
  for (size_t i = 0; i < count; i++) {
    opaque += pixels[2 * i + 1];
    light += (uint64_t)pixels[2 * i] * pixels[2 * i + 1];
  }
  unsigned behind = light < 128 * opaque ? 255 : 0;
  for (size_t i = 0; i < count; i++) {
    unsigned gray = pixels[2 * i], alpha = pixels[2 * i + 1];
    pixels[i] = (uint8_t)((gray * alpha + behind * (255 - alpha) + 127) / 255);
  }
}

/* ---- reading ------------------------------------------------------------ */

/**
 * Can a file of this size hold so many bytes of rows? Deflate's limit allows more, but real large
 * pictures don't come near it, and unpacking empty rows takes time too.
 */
static bool can_hold(const dg_picture_file *file, uint64_t bytes) {
  return bytes <= file->size * (uint64_t)(bytes > MAX_UNPACKED ? MAX_INFLATION / 4 : MAX_INFLATION);
}

static const png_byte exif_name[] = "eXIf";

/** Reads and checks the header, and what libpng may take. */
static bool begin(reading *r, uint32_t *height, uint32_t *width) {
  png_set_read_fn(r->png, r, on_read);
  png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1); /* all but the needed */
  png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_AS_DEFAULT, exif_name, 1);
  png_set_user_limits(r->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* they are checked below */
  png_set_chunk_malloc_max(r->png, MAX_CHUNK);
  png_read_info(r->png, r->info);
  *height = png_get_image_height(r->png, r->info);
  *width = png_get_image_width(r->png, r->info);
  return dg_picture_check(r->file, *height, *width, r->err);
}

/** Reads all passes; a file that is not interlaced has one. */
static void read_rows(reading *r, bool interlaced) {
  dg_picture *p = r->picture;
  unsigned channels = png_get_channels(r->png, r->info);
  const unsigned depth = r->file->depth;
  unsigned bytes = depth ? 3 * depth : channels % 2 == 0 ? 2 : 1;
  for (int pass = 0; pass < (interlaced ? PNG_INTERLACE_ADAM7_PASSES : 1); pass++) {
    uint32_t rows = interlaced ? PNG_PASS_ROWS(p->height, pass) : p->height;
    uint32_t columns = interlaced ? PNG_PASS_COLS(p->width, pass) : p->width;
    uint32_t apart = interlaced ? PNG_PASS_COL_OFFSET(pass) : 1;
    uint32_t first = interlaced ? PNG_PASS_START_COL(pass) : 0;
    for (uint32_t i = 0; columns > 0 && i < rows; i++) {
      size_t y = interlaced ? PNG_ROW_FROM_PASS_ROW(i, pass) : i;
      png_read_row(r->png, r->row, NULL);
      uint8_t *to = p->pixels + (y * p->width + first) * bytes;
      if (depth)
        take_colours(r->row, columns, channels, depth, to, apart);
      else
        take_row(r->row, columns, channels, to, apart);
    }
  }
}

/** That of the chunk eXIf, which may be before the pixels or behind them. */
static unsigned orientation(reading *r) {
  png_uint_32 size = 0;
  png_bytep exif = NULL;
  return png_get_eXIf_1(r->png, r->info, &size, &exif) && exif ? dg_exif_orientation(exif, size)
                                                               : 0;
}

static bool read_pixels(reading *r) {
  uint32_t height, width;
  if (!begin(r, &height, &width)) return false;
  if (!can_hold(r->file, (uint64_t)height * png_get_rowbytes(r->png, r->info)))
    png_error(r->png, "it is too short for its size");
  const unsigned depth = r->file->depth;
  png_set_expand(r->png);
  if (depth == 2)
    png_set_expand_16(r->png);
  else
    png_set_scale_16(r->png);
  if (depth) png_set_gray_to_rgb(r->png);
  bool interlaced = png_get_interlace_type(r->png, r->info) != PNG_INTERLACE_NONE;
  png_read_update_info(r->png, r->info);
  bool opacity = !depth && png_get_channels(r->png, r->info) % 2 == 0;
  const size_t row_bytes = (size_t)width * MAX_CHANNELS * (depth == 2 ? 2 : 1);
  r->row = malloc(row_bytes);
  if (!r->row) return dg_fail_memory(r->err, row_bytes);
  if (!dg_picture_allocate(r->picture, r->file, height, width,
                           opacity ? 2 : dg_pixel_bytes(r->file), r->err))
    return false;
  read_rows(r, interlaced);
  png_read_end(r->png, r->info);
  if (opacity) flatten(r->picture->pixels, (size_t)height * width);
  return dg_picture_turn(r->picture, orientation(r), dg_pixel_bytes(r->file), r->err);
}

/** Runs a function with libpng, which jumps back here on failure. */
static bool guarded(reading *r, bool (*act)(reading *)) {
  if (setjmp(r->failed)) return false;
  return act(r);
}

static bool read_with(const dg_picture_file *file, dg_picture *picture, bool (*act)(reading *),
                      dg_error *err) {
  reading *r = calloc(1, sizeof *r);
  if (!r) return dg_fail_memory(err, sizeof *r);
  r->file = file, r->picture = picture, r->err = err;
  r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, r, on_error, on_warning);
  r->info = r->png ? png_create_info_struct(r->png) : NULL;
  bool ok = r->info ? guarded(r, act) : dg_fail_memory(err, sizeof *r);
  png_destroy_read_struct(&r->png, &r->info, NULL);
  free(r->row);
  free(r);
  return ok;
}

static bool read_size(reading *r) {
  return begin(r, &r->picture->height, &r->picture->width);
}

bool dg_measure_png(dg_picture *picture, const dg_picture_file *file, dg_error *err) {
  return read_with(file, picture, read_size, err);
}

bool dg_read_png(dg_picture *picture, const dg_picture_file *file, dg_error *err) {
  return read_with(file, picture, read_pixels, err);
}
