/** JPEG, by libjpeg-turbo, rotated by its Exif orientation. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#include "core/base/error.h"
#include "core/picture/formats/exif.h"
#include "core/picture/formats/formats.h"
#include "core/picture/formats/turn.h"

enum { MAX_SCANS = 500 };

/** A file that is being read. */
typedef struct {
  struct jpeg_decompress_struct info;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  const dg_picture_file *file;
  dg_picture *picture;
  uint8_t *row; /**< of a picture in CMYK */
  bool noted;
  dg_error *err;
  jmp_buf failed;
} reading;

bool dg_is_jpeg(const dg_picture_file *file) {
  return file->size >= 3 && file->bytes[0] == 0xff && file->bytes[1] == 0xd8 &&
         file->bytes[2] == 0xff;
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

/* ---- what libjpeg calls -------------------------------------------------- */

static bool fail_damaged(const dg_picture_file *file, const char *why, dg_error *err) {
  return dg_fail(err, DG_ERR_INPUT, "%s: damaged or unknown form of JPEG file (%s); save it again",
                 file->name, why);
}

static void on_error(j_common_ptr info) {
  reading *r = info->client_data;
  char why[JMSG_LENGTH_MAX];
  const int code = info->err->msg_code;
  info->err->format_message(info, why);
  if (code == JERR_BAD_PRECISION)
    dg_fail(r->err, DG_ERR_INPUT, "%s: a JPEG file of %d bits a sample; save it with 8",
            r->file->name, r->info.data_precision);
  else if (code == JERR_OUT_OF_MEMORY)
    dg_fail(r->err, DG_ERR_MEMORY, "%s: too little memory for this picture; make it smaller",
            r->file->name);
  else
    fail_damaged(r->file, why, r->err);
  longjmp(r->failed, 1);
}

/** Is the picture whole in spite of a warning? */
static bool is_harmless(int code) {
  return code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR;
}

static void on_message(j_common_ptr info, int level) {
  reading *r = info->client_data;
  char text[JMSG_LENGTH_MAX];
  if (level >= 0) return;
  if (!is_harmless(info->err->msg_code)) on_error(info);
  if (r->noted) return;
  r->noted = true;
  info->err->format_message(info, text);
  dg_picture_note(
      r->file, "the JPEG file is not as it should be (%s), but all of the picture is there", text);
}

static void on_progress(j_common_ptr info) {
  reading *r = info->client_data;
  if (r->info.input_scan_number <= MAX_SCANS) return;
  fail_damaged(r->file, "it has too many scans", r->err);
  longjmp(r->failed, 1);
}

/* ---- reading ------------------------------------------------------------ */

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

static bool measure(reading *r) {
  jpeg_mem_src(&r->info, r->file->bytes, r->file->size);
  jpeg_read_header(&r->info, TRUE);
  r->picture->height = r->info.image_height;
  r->picture->width = r->info.image_width;
  return dg_picture_check(r->file, r->picture->height, r->picture->width, r->err);
}

static bool is_cmyk(const reading *r) {
  return r->info.jpeg_color_space == JCS_CMYK || r->info.jpeg_color_space == JCS_YCCK;
}

/** The colours of a pixel in cyan, magenta, yellow and black. Adobe's programs, and those that
    follow them, store how much ink is missing. */
static void mix_inks(const uint8_t inks[4], bool inverted, uint8_t rgb[3]) {
  const unsigned flip = inverted ? 0 : 255;
  for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(((inks[c] ^ flip) * (inks[3] ^ flip) + 127) / 255);
}

/** Stores a row of inks or colours. */
static void take_row(const reading *r, uint8_t *to) {
  const unsigned depth = r->file->depth, samples = is_cmyk(r) ? 4 : 3;
  const uint8_t *from = r->row;
  for (size_t i = 0; i < r->picture->width; i++, from += samples) {
    uint8_t rgb[3] = {from[0], from[1], from[2]};
    if (samples == 4) mix_inks(from, r->info.saw_Adobe_marker, rgb);
    if (depth)
      for (int c = 0; c < 3; c++) to = dg_put_colour(to, rgb[c], UINT8_MAX, depth);
    else
      *to++ = dg_gray_of(rgb);
  }
}

static void read_rows(reading *r) {
  const size_t bytes = (size_t)r->picture->width * dg_pixel_bytes(r->file);
  for (size_t y = 0; y < r->picture->height; y++) {
    uint8_t *to = r->picture->pixels + y * bytes;
    JSAMPROW row = r->row ? r->row : to;
    jpeg_read_scanlines(&r->info, &row, 1);
    if (r->row) take_row(r, to);
  }
}

static bool allocate(reading *r) {
  enum { INKS = 4 };
  const uint32_t height = r->picture->height, width = r->picture->width;
  if (is_cmyk(r) || r->file->depth) {
    r->row = malloc((size_t)width * INKS);
    if (!r->row) return dg_fail_memory(r->err, (size_t)width * INKS);
  }
  return dg_picture_allocate(r->picture, r->file, height, width, dg_pixel_bytes(r->file), r->err);
}

static bool decode(reading *r) {
  if (!measure(r)) return false;
  const markers m = read_markers(r->file);
  const uint64_t pixels = (uint64_t)r->picture->height * r->picture->width;
  if (!check_work(r->file, m, is_cmyk(r) || r->file->depth ? 2 * pixels : pixels, r->err) ||
      !allocate(r))
    return false;
  r->info.out_color_space = is_cmyk(r) ? JCS_CMYK : r->file->depth ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_start_decompress(&r->info);
  read_rows(r);
  jpeg_finish_decompress(&r->info);
  return dg_picture_turn(r->picture, m.held, dg_pixel_bytes(r->file), r->err);
}

/** Runs a function with libjpeg, which jumps back here on failure. */
static bool guarded(reading *r, bool (*act)(reading *)) {
  if (setjmp(r->failed)) return false;
  jpeg_create_decompress(&r->info);
  r->info.progress = &r->progress;
  return act(r);
}

static bool read_with(const dg_picture_file *file, dg_picture *picture, bool (*act)(reading *),
                      dg_error *err) {
  reading *r = calloc(1, sizeof *r);
  if (!r) return dg_fail_memory(err, sizeof *r);
  r->file = file, r->picture = picture, r->err = err;
  r->info.err = jpeg_std_error(&r->errors);
  r->info.client_data = r;
  r->errors.error_exit = on_error;
  r->errors.emit_message = on_message;
  r->progress.progress_monitor = on_progress;
  const bool ok = guarded(r, act);
  jpeg_destroy_decompress(&r->info);
  free(r->row);
  free(r);
  return ok;
}

bool dg_measure_jpeg(dg_picture *picture, const dg_picture_file *file, dg_error *err) {
  return read_with(file, picture, measure, err);
}

bool dg_read_jpeg(dg_picture *picture, const dg_picture_file *file, dg_error *err) {
  return read_with(file, picture, decode, err);
}
