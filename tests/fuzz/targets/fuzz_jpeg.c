/*
 * JPEG files put together from their segments: frames, tables and scans, any number of them in any
 * order, and bytes between. None may take long.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/picture/formats/formats.h"
#include "tests/fuzz/file.h"
#include "tests/fuzz/input.h"

enum { CAPACITY = 1 << 16, MAX_PARTS = 2000, MAX_SECONDS = 5 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/** A file on its way. */
typedef struct {
  uint8_t bytes[CAPACITY];
  size_t size;
  unsigned components; /**< of the last frame */
  bool progressive;
} file;

static void put(file *f, unsigned byte) {
  if (f->size < CAPACITY) f->bytes[f->size++] = (uint8_t)byte;
}

/** Begins a segment whose length end_segment writes. */
static size_t begin_segment(file *f, uint8_t marker) {
  put(f, 0xff);
  put(f, marker);
  put(f, 0);
  put(f, 0);
  return f->size;
}

static void end_segment(file *f, size_t begin) {
  size_t length = f->size - begin + 2;
  if (f->size >= CAPACITY) return;
  f->bytes[begin - 2] = (uint8_t)(length >> 8);
  f->bytes[begin - 1] = (uint8_t)length;
}

/* ---- segments ----------------------------------------------------------- */

static void put_quantization(file *f, input *in) {
  size_t begin = begin_segment(f, 0xdb);
  put(f, input_byte(in) & 1);
  uint8_t step = input_byte(in);
  for (int i = 0; i < 64; i++) put(f, step ? step : 1);
  end_segment(f, begin);
}

static void put_frame(file *f, input *in) {
  static const uint8_t kinds[] = {0xc0, 0xc1, 0xc2, 0xc2, 0xc2, 0xc3, 0xc9, 0xca};
  uint8_t kind = kinds[input_byte(in) & 7];
  size_t begin = begin_segment(f, kind);
  unsigned large = input_byte(in), components = 1 + input_byte(in) % 3;
  f->components = components;
  f->progressive = kind == 0xc2 || kind == 0xca;
  put(f, 8);
  for (int i = 0; i < 2; i++) {
    put(f, large == 255 ? input_byte(in) : large & 1); /* most are small */
    put(f, input_byte(in));
  }
  put(f, components);
  for (unsigned i = 1; i <= components; i++) {
    put(f, i);
    put(f, input_byte(in) % 4 ? 0x11 : 0x11 + (input_byte(in) & 0x33));
    put(f, input_byte(in) & 1);
  }
  end_segment(f, begin);
}

/** A table of codes: mostly a few of the shortest ones, as files that take long have. */
static void put_codes(file *f, input *in) {
  size_t begin = begin_segment(f, 0xc4);
  unsigned count = 0;
  put(f, input_byte(in) & 0x13);
  for (int length = 1; length <= 16; length++) {
    unsigned codes = input_byte(in) & (length < 4 ? 1 : 3);
    put(f, codes);
    count += codes;
  }
  for (unsigned i = 0; i < count; i++) put(f, input_byte(in));
  end_segment(f, begin);
}

/** A scan: of all components, as sequential files and the first of progressive ones have; or of
   some, and of some coefficients. */
static void put_scan(file *f, input *in) {
  size_t begin = begin_segment(f, 0xda);
  uint8_t how = input_byte(in), first = 0, last = f->progressive ? 0 : 63;
  unsigned components = how & 1 ? 1 + (how >> 1) % 3u : f->components;
  put(f, components);
  for (unsigned i = 1; i <= components; i++) {
    put(f, components == 1 && f->components > 1 ? 1 + (how >> 3) % f->components : i);
    put(f, how & 0x40 ? input_byte(in) & 0x11 : 0);
  }
  if (how & 0x80) first = input_byte(in) & 63, last = input_byte(in) & 63;
  put(f, first);
  put(f, last);
  put(f, f->progressive ? input_byte(in) : 0);
  end_segment(f, begin);
}

/** Coded data: a byte again and again, or bytes of the input, a zero behind each 255. */
static void put_data(file *f, input *in) {
  uint8_t how = input_byte(in);
  for (size_t i = 0; i < (how & 0x80 ? 32u * how : how); i++) {
    uint8_t byte = how & 0x80 ? how & 1 : input_byte(in);
    put(f, byte);
    if (byte == 0xff) put(f, 0);
  }
}

static void put_raw(file *f, input *in, uint8_t marker) {
  size_t begin = begin_segment(f, marker);
  if (marker == 0xe1)
    for (int i = 0; i < 6; i++) put(f, (uint8_t) "Exif\0"[i]);
  size_t size = input_byte(in);
  for (size_t i = 0; i < size; i++) put(f, input_byte(in));
  end_segment(f, begin);
}

static void put_part(file *f, input *in, uint8_t kind) {
  switch (kind % 10) {
  case 0:
    return put_quantization(f, in);
  case 1:
    return put_frame(f, in);
  case 2:
    return put_codes(f, in);
  case 3:
  case 4:
    return put_scan(f, in);
  case 5:
  case 6:
    return put_data(f, in);
  case 7:
    return put_raw(f, in, 0xe1);
  case 8:
    return put_raw(f, in, 0xdd); /* the distance of restarts */
  default:
    put(f, input_byte(in));
  }
}

/** The tables that most files begin with: each step 1, and codes of a bit for what their bytes say.
 */
static void put_tables(file *f, input *in) {
  static const uint8_t choices[] = {0xe0, 0x00, 0x10, 0x01, 0xf0, 0x50};
  for (int i = 0; i < 2; i++) {
    put_quantization(f, &(input){(const uint8_t[]){(uint8_t)i, 1}, 2});
    size_t begin = begin_segment(f, 0xc4);
    put(f, i ? 0x10 : 0);
    for (int length = 1; length <= 16; length++) put(f, length <= 2);
    for (int k = 0; k < 2; k++)
      put(f, i ? choices[input_byte(in) % sizeof choices] : input_byte(in) % 12);
    end_segment(f, begin);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  input in = {bytes, size};
  static file f;
  f.size = f.components = 0;
  put(&f, 0xff);
  put(&f, 0xd8);
  if (input_byte(&in) & 15) put_tables(&f, &in);
  for (int i = 0; i < MAX_PARTS && in.left; i++) put_part(&f, &in, input_byte(&in));
  put(&f, 0xff);
  put(&f, 0xd9);
  dg_picture picture;
  dg_error err = {0};
  clock_t begin = clock();
  bool ok = dg_picture_decode(&picture, f.bytes, f.size, "fuzz", &err);
  if (ok != (err.kind == DG_OK) || ok != (picture.pixels != NULL)) abort();
  if (ok) fuzz_touch(picture.pixels, (size_t)picture.height * picture.width);
  dg_picture_free(&picture);
  if (clock() - begin > MAX_SECONDS * CLOCKS_PER_SEC) {
    fprintf(stderr, "%zu bytes took longer than %d s\n", f.size, MAX_SECONDS);
    abort();
  }
  return 0;
}
