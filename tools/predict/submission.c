#include "tools/predict/submission.h"

#include <stdio.h>

#include "core/base/file/file.h"
#include "core/base/numbers.h"

static void write_line(dg_new_file *file, uint32_t id, uint32_t label) {
  char line[32];
  int length = snprintf(line, sizeof line, "%u,%u\n", id, label);
  dg_file_write(file, line, (size_t)length);
}

bool submission_write(const submission *s, const char *path, dg_error *err) {
  static const char header[] = "ImageId,Label\n";
  dg_new_file file;
  if (!dg_file_begin(&file, path, err)) return false;
  dg_file_write(&file, header, sizeof header - 1);
  for (uint32_t i = 0; i < s->count; i++)
    write_line(&file, i + 1, dg_argmax(s->logits + (size_t)i * s->classes, s->classes));
  return dg_file_commit(&file, err);
}
