/* Weight files: what is written reads again, and what is damaged is refused. */
#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/weights/safetensors.h"
#include "tests/common/suite.h"

static char folder[] = "/tmp/digits-weights-XXXXXX";
static char path[100];

static const float numbers[] = {1, -2, 3.5f, 0, 1e-30f, 6};

static void write_sound(void) {
  const dg_stored_tensor tensors[] = {
      {.name = "fc.weight", .rank = 2, .dim = {2, 2}, .data = numbers},
      {.name = "fc.bias", .rank = 1, .dim = {2}, .data = numbers + 4},
  };
  const dg_stored_text texts[] = {{"model", "name = \"x\";\n"}};
  dg_error err = {0};
  ck_assert_msg(dg_safetensors_write(path, tensors, 2, texts, 1, &err), "%s", err.message);
}

START_TEST(what_is_written_reads_again) {
  write_sound();
  dg_safetensors file;
  dg_error err = {0};
  ck_assert_msg(dg_safetensors_read(&file, path, &err), "%s", err.message);
  ck_assert_uint_eq(file.tensor_count, 2);
  const dg_stored_tensor *weight = dg_safetensors_find(&file, "fc.weight");
  const dg_stored_tensor *bias = dg_safetensors_find(&file, "fc.bias");
  ck_assert_uint_eq(weight->rank, 2);
  ck_assert_uint_eq(weight->dim[1], 2);
  ck_assert_mem_eq(weight->data, numbers, 4 * sizeof(float));
  ck_assert_mem_eq(bias->data, numbers + 4, 2 * sizeof(float));
  ck_assert_str_eq(dg_safetensors_text(&file, "model"), "name = \"x\";\n");
  ck_assert_ptr_null(dg_safetensors_find(&file, "fc"));
  ck_assert_ptr_null(dg_safetensors_text(&file, "fc.bias"));
  dg_safetensors_free(&file);
}
END_TEST

/* ---- damaged files ------------------------------------------------------ */

static void write_bytes(uint64_t length, const char *header, size_t data_bytes) {
  FILE *file = fopen(path, "wb");
  fwrite(&length, 1, 8, file);
  fwrite(header, 1, strlen(header), file);
  for (size_t i = 0; i < data_bytes; i++) fputc((int)i, file);
  ck_assert_int_eq(fclose(file), 0);
}

static void refused(const char *says) {
  dg_safetensors file;
  dg_error err = {0};
  ck_assert_msg(!dg_safetensors_read(&file, path, &err), "taken, but it should say: %s", says);
  ck_assert_int_eq(err.kind, DG_ERR_INPUT);
  ck_assert_msg(strncmp(err.message, path, strlen(path)) == 0, "no file in: %s", err.message);
  ck_assert_msg(strstr(err.message, says) != NULL, "expected \"%s\" in: %s", says, err.message);
}

#define F32(shape, from, to)                                                                       \
  "{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

static const struct {
  const char *header;
  size_t data;
  const char *says;
} damaged[] = {
    {"nonsense", 0, "its header is no JSON object: "},
    {"[1, 2]", 0, "its header is no JSON object"},
    {"{\"a\":3}", 0, "the entry of \"a\" lacks"},
    {"{\"a\":" F32("[2]", "0", "8") ",\"a\":" F32("[2]", "0", "8") "}", 8, "no JSON object"},
    {"{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8,
     "is not that of its shape"},
    {"{\"a\":" F32("[2]", "0", "8") "}", 4, "lie outside the file"},
    {"{\"a\":" F32("[2]", "-4", "4") "}", 8, "lie outside the file"},
    {"{\"a\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
     "is not that of its shape"},
    {"{\"a\":" F32("[2]", "8", "0") "}", 8, "lie outside the file"},
    {"{\"a\":" F32("[3]", "0", "8") "}", 8, "is not that of its shape"},
    {"{\"a\":" F32("[4294967296, 4294967296, 4294967296]", "0", "8") "}", 8,
     "not that of its shape"},
    {"{\"a\":" F32("[-2]", "0", "8") "}", 8, "lacks type, shape or offsets"},
    {"{\"a\":" F32("[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4, "lacks type, shape or offsets"},
    {"{\"a\":" F32("[2]", "0", "8") ",\"b\":" F32("[2]", "4", "12") "}", 12, "\"b\" overlaps"},
    {"{\"a\":" F32("[2]", "0", "8") ",\"b\":" F32("[1]", "12", "16") "}", 16, "\"b\" leaves a gap"},
    {"{\"a\":" F32("[1]", "2", "6") "}", 8, "\"a\" leaves a gap"},
    {"{\"a\":" F32("[1]", "0", "4") "}", 9, "5 bytes are left over"},
    {"{\"__metadata__\":3}", 0, "its metadata are no object"},
    {"{\"__metadata__\":{\"k\":3}}", 0, "metadata \"k\" is no text"},
    {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,2]}}", 3,
     "1 bytes are left over"},
    {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,4]}}", 2,
     "lie outside the file"},
};

/** What other writers make: any alignment, no metadata, types that are not read here. */
START_TEST(unusual_files_are_read) {
  static const char header[] =
      "{\"__metadata__\":null,\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[3],\"data_offsets\":[0,3]},"
      "\"b\":" F32("[1]", "3",
                   "7") ",\"c\":{\"dtype\":\"C64\",\"shape\":[],\"data_offsets\":[7,15]}}";
  write_bytes(strlen(header), header, 15);
  dg_safetensors file;
  dg_error err = {0};
  ck_assert_msg(dg_safetensors_read(&file, path, &err), "%s", err.message);
  ck_assert_uint_eq(file.tensor_count, 3);
  ck_assert_uint_eq(file.text_count, 0);
  ck_assert_str_eq(dg_safetensors_type(&file.tensors[0]), "F8_E4M3");
  ck_assert_str_eq(dg_safetensors_type(&file.tensors[1]), "F32");
  ck_assert_ptr_null(file.tensors[1].other);
  ck_assert_mem_eq(file.tensors[1].data, "\3\4\5\6", 4);
  ck_assert_uint_eq(file.tensors[2].bytes, 8);
  dg_safetensors_free(&file);
}
END_TEST

START_TEST(damage_is_named) {
  write_bytes(strlen(damaged[_i].header), damaged[_i].header, damaged[_i].data);
  refused(damaged[_i].says);
}
END_TEST

START_TEST(cut_files_are_refused) {
  write_sound();
  FILE *file = fopen(path, "rb");
  char whole[1000];
  size_t size = fread(whole, 1, sizeof whole, file);
  fclose(file);
  for (size_t cut = 0; cut < size; cut++) {
    file = fopen(path, "wb");
    fwrite(whole, 1, cut, file);
    fclose(file);
    refused(cut == 0 ? "the file is empty" : "not a sound safetensors file");
  }
  write_bytes(1 << 30, "{}", 0);
  refused("it is cut, or no weight file at all");
  write_bytes(UINT64_MAX, "{}", 0);
  refused("it is cut, or no weight file at all");
}
END_TEST

/** Headers of any length: the numbers need not lie aligned in the file. */
START_TEST(headers_of_any_length) {
  char header[100];
  for (int blanks = 0; blanks < 8; blanks++) {
    snprintf(header, sizeof header, "{\"a\":" F32("[1]", "0", "4") "%*s}", blanks, "");
    write_bytes(strlen(header), header, 4);
    dg_safetensors file;
    dg_error err = {0};
    ck_assert_msg(dg_safetensors_read(&file, path, &err), "%s", err.message);
    ck_assert_mem_eq(dg_safetensors_find(&file, "a")->data, "\0\1\2\3", 4);
    dg_safetensors_free(&file);
  }
}
END_TEST

START_TEST(a_failed_write_keeps_the_old_file) {
  const dg_stored_tensor tensor = {.name = "a", .rank = 1, .dim = {6}, .data = numbers};
  dg_error err = {0};
  ck_assert(!dg_safetensors_write(DIGITS_BINARY_DIR "/no/w", &tensor, 1, NULL, 0, &err));
  ck_assert_int_eq(err.kind, DG_ERR_RUNTIME);
  ck_assert_ptr_nonnull(strstr(err.message, "/no/w can't be written"));
  ck_assert(!dg_safetensors_write("/dev/full", &tensor, 1, NULL, 0, &err));
  ck_assert_ptr_nonnull(strstr(err.message, "/dev/full could not be written: No space left"));
}
END_TEST

int main(void) {
  suite_new_folder(folder);
  snprintf(path, sizeof path, "%s/w.safetensors", folder);
  TCase *tests = tcase_create("safetensors");
  tcase_add_test(tests, what_is_written_reads_again);
  tcase_add_loop_test(tests, damage_is_named, 0, sizeof damaged / sizeof *damaged);
  tcase_add_test(tests, unusual_files_are_read);
  tcase_add_test(tests, cut_files_are_refused);
  tcase_add_test(tests, headers_of_any_length);
  tcase_add_test(tests, a_failed_write_keeps_the_old_file);
  return suite_main("weights", tests);
}
