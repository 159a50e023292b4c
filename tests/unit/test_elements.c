/* The types of numbers that weight files hold: their sizes, and what they are as float32. */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/weights/safetensors.h"
#include "tests/common/suite.h"

static const struct {
  dg_element element;
  const char *type;
  size_t size;
  bool whole;
} types[] = {
    {DG_ELEMENT_F32, "F32", 4, false}, {DG_ELEMENT_F64, "F64", 8, false},
    {DG_ELEMENT_F16, "F16", 2, false}, {DG_ELEMENT_BF16, "BF16", 2, false},
    {DG_ELEMENT_I8, "I8", 1, true},    {DG_ELEMENT_I16, "I16", 2, true},
    {DG_ELEMENT_I32, "I32", 4, true},  {DG_ELEMENT_I64, "I64", 8, true},
    {DG_ELEMENT_U8, "U8", 1, true},    {DG_ELEMENT_U16, "U16", 2, true},
    {DG_ELEMENT_U32, "U32", 4, true},  {DG_ELEMENT_U64, "U64", 8, true},
    {DG_ELEMENT_U8, "BOOL", 1, true},
};
enum { TYPES = sizeof types / sizeof *types };

/** A number of a type, little-endian, and what it is. */
static const struct {
  dg_element element;
  uint64_t bits;
  float value;
} numbers[] = {
    {DG_ELEMENT_F32, 0x3fc00000, 1.5F},
    {DG_ELEMENT_F32, 0xff800000, -INFINITY},
    {DG_ELEMENT_F64, 0xbff8000000000000, -1.5F},
    {DG_ELEMENT_F64, 0x3ff0000010000000, 1}, /* a half of float32's last place */
    {DG_ELEMENT_F16, 0x3c00, 1},
    {DG_ELEMENT_F16, 0xc500, -5},
    {DG_ELEMENT_F16, 0x7bff, 65504},
    {DG_ELEMENT_F16, 0x0400, 0x1p-14F},
    {DG_ELEMENT_F16, 0x0001, 0x1p-24F},
    {DG_ELEMENT_F16, 0x83ff, -0x1.ff8p-15F},
    {DG_ELEMENT_F16, 0x0000, 0},
    {DG_ELEMENT_F16, 0x7c00, INFINITY},
    {DG_ELEMENT_F16, 0xfc00, -INFINITY},
    {DG_ELEMENT_F16, 0x7c01, NAN},
    {DG_ELEMENT_BF16, 0x3f80, 1},
    {DG_ELEMENT_BF16, 0xc2f7, -123.5F},
    {DG_ELEMENT_I8, 0x7f, 127},
    {DG_ELEMENT_I8, 0x80, -128},
    {DG_ELEMENT_I16, 0xfffe, -2},
    {DG_ELEMENT_I16, 0x0102, 258},
    {DG_ELEMENT_I32, 0x80000000, -0x1p31F},
    {DG_ELEMENT_I32, 0x00010000, 65536},
    {DG_ELEMENT_I64, 0xffffffffffffffff, -1},
    {DG_ELEMENT_I64, 0x0000010000000000, 0x1p40F},
    {DG_ELEMENT_U8, 0xff, 255},
    {DG_ELEMENT_U16, 0xfffe, 65534},
    {DG_ELEMENT_U32, 0x80000000, 0x1p31F},
    {DG_ELEMENT_U64, 0x8000000000000000, 0x1p63F},
};

static bool same(float a, float b) {
  return isnan(b) ? isnan(a) : a == b;
}

START_TEST(numbers_are_read) {
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    unsigned char little[9] = {0}, big[9] = {0};
    size_t size = dg_element_size(numbers[i].element);
    memcpy(little + 1, &numbers[i].bits, size); /* not aligned */
    for (size_t k = 0; k < size; k++) big[1 + k] = little[size - k];
    float got = dg_element_read(numbers[i].element, little + 1);
    ck_assert_float_eq(dg_element_read(DG_ELEMENT_U64, "\x55\x55\x55\x55\x55\x55\x55\x55"),
                       (float)0x5555555555555555); /* nothing of the number is left anywhere */
    float turned = dg_element_read_big(numbers[i].element, big + 1);
    ck_assert_msg(same(got, numbers[i].value) && same(turned, numbers[i].value),
                  "number %zu: %.9g and, big-endian, %.9g, expected %.9g", i, (double)got,
                  (double)turned, (double)numbers[i].value);
  }
}
END_TEST

/* ---- in a file ----------------------------------------------------------- */

enum { COUNT = 3 };
static char path[] = "/tmp/digits-elements-XXXXXX";

/** Writes a file with one tensor of COUNT numbers, said to be of `bytes`. */
static void write_file(const char *type, size_t bytes) {
  char header[200];
  snprintf(header, sizeof header,
           "{\"a\":{\"dtype\":\"%s\",\"shape\":[%d],\"data_offsets\":[0,%zu]}}", type, COUNT,
           bytes);
  uint64_t length = strlen(header);
  FILE *file = fopen(path, "wb");
  ck_assert_ptr_nonnull(file);
  fwrite(&length, 8, 1, file);
  fputs(header, file);
  for (size_t i = 0; i < bytes; i++) fputc((int)i, file);
  fclose(file);
}

/** The data lie behind headers of other lengths, and are where they were written. */
START_TEST(types_have_their_sizes) {
  for (size_t i = 0; i < TYPES; i++) {
    dg_safetensors file;
    dg_error err = {0};
    size_t bytes = COUNT * types[i].size;
    ck_assert_uint_eq(dg_element_size(types[i].element), types[i].size);
    ck_assert_int_eq(dg_element_is_integer(types[i].element), types[i].whole);
    write_file(types[i].type, bytes);
    ck_assert_msg(dg_safetensors_read(&file, path, &err), "%s", err.message);
    ck_assert_uint_eq(file.tensor_count, 1);
    ck_assert_int_eq(file.tensors[0].element, types[i].element);
    if (types[i].element != DG_ELEMENT_U8)
      ck_assert_str_eq(dg_safetensors_type(&file.tensors[0]), types[i].type);
    const unsigned char *data = file.tensors[0].data;
    for (size_t k = 0; k < bytes; k++) ck_assert_uint_eq(data[k], k);
    dg_safetensors_free(&file);
    for (int more = -1; more <= 1; more += 2) {
      write_file(types[i].type, bytes + (size_t)more);
      ck_assert(!dg_safetensors_read(&file, path, &err));
      ck_assert_ptr_nonnull(strstr(err.message, "the size of \"a\" is not that of its shape"));
    }
  }
}
END_TEST

/** A header may be all that there is. */
START_TEST(texts_need_no_tensor) {
  const dg_stored_text text = {"a", "b"};
  dg_safetensors file;
  dg_error err = {0};
  for (size_t texts = 0; texts < 2; texts++) {
    ck_assert_msg(dg_safetensors_write(path, NULL, 0, &text, texts, &err), "%s", err.message);
    ck_assert_msg(dg_safetensors_read(&file, path, &err), "%s", err.message);
    ck_assert_uint_eq(file.tensor_count, 0);
    ck_assert_uint_eq(file.text_count, texts);
    dg_safetensors_free(&file);
  }
}
END_TEST

int main(void) {
  suite_new_file(path);
  TCase *tests = tcase_create("elements");
  tcase_add_test(tests, numbers_are_read);
  tcase_add_test(tests, types_have_their_sizes);
  tcase_add_test(tests, texts_need_no_tensor);
  return suite_main("elements", tests);
}
