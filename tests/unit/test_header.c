/*
 * A weight file's header is read back before the old file goes: one that says anything else than it
 * should, as a JSON library short of memory may write it, is noticed.
 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/weights/safetensors.h"
#include "tests/common/suite.h"

/** What json_dumps does to the text that it makes. */
static struct {
  enum { WHOLE, CHANGED, CUT } how;
  size_t at;
} damage;

/* --wrap=json_dumps: its calls come to __wrap_json_dumps; __real_json_dumps is json_dumps. */
char *__real_json_dumps(const json_t *json, size_t flags);
char *__wrap_json_dumps(const json_t *json, size_t flags);

char *__wrap_json_dumps(const json_t *json, size_t flags) {
  char *text = __real_json_dumps(json, flags);
  if (damage.how == CHANGED) text[damage.at] = text[damage.at] == '7' ? '8' : '7';
  if (damage.how == CUT) text[damage.at] = '\0';
  return text;
}

static char path[100];
static const float numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

static bool write_file(dg_error *err) {
  static const dg_stored_tensor tensors[] = {
      {.name = "a.weight", .rank = 2, .dim = {2, 3}, .data = numbers},
      {.name = "a.\"bias\"", .rank = 1, .dim = {2}, .data = numbers + 6},
      {.name = "one", .data = numbers + 8}};
  static const dg_stored_text texts[] = {
      {"model", "name = \"x\";\n\t\\ /\r"}, {"k", "\x01\x1f\x7f ä \b\f"}, {"empty", ""}};
  *err = (dg_error){0};
  return dg_safetensors_write(path, tensors, 3, texts, 3, err);
}

static size_t header_length(void) {
  uint64_t length = 0;
  char header[2000] = "";
  FILE *file = fopen(path, "rb");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fread(&length, 8, 1, file), 1);
  ck_assert_uint_le(length, sizeof header);
  ck_assert_uint_eq(fread(header, 1, length, file), length);
  fclose(file);
  while (length > 0 && header[length - 1] == ' ') length--;
  return length;
}

START_TEST(every_byte_of_a_header_is_read_back) {
  dg_error err;
  damage.how = WHOLE;
  ck_assert_msg(write_file(&err), "%s", err.message);
  size_t length = header_length();
  ck_assert_uint_gt(length, 200);
  for (damage.at = 0; damage.at < length; damage.at++)
    for (int how = CHANGED; how <= CUT; how++) {
      damage.how = how == CHANGED ? CHANGED : CUT;
      unlink(path);
      if (write_file(&err)) ck_abort_msg("byte %zu, damage %d was not noticed", damage.at, how);
      if (!strstr(err.message, "its header, read back, is not what was to be written"))
        ck_abort_msg("byte %zu: %s", damage.at, err.message);
      if (access(path, F_OK) == 0) ck_abort_msg("byte %zu: the file was kept", damage.at);
    }
}
END_TEST

int main(void) {
  /* memory, where that is a file system: what is written need not reach a disk */
  const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  snprintf(path, sizeof path, "%s/digits-header-%ld", folder, (long)getpid());
  TCase *tests = tcase_create("header");
  tcase_set_timeout(tests, 120);
  tcase_add_test(tests, every_byte_of_a_header_is_read_back);
  int status = suite_main("header", tests);
  unlink(path);
  return status;
}
