#include "tests/common/shell.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/data/dataset.h"
#include "core/data/drawn/draw.h"
#include "core/data/idx/idx_folder.h"
#include "tests/common/suite.h"

static char folder[] = "/tmp/digits-shell-XXXXXX";
static char printed[1 << 16];

bool shell_open(void) {
  unsetenv("DIGITS_DATA");
  unsetenv("DIGITS_MODELS");
  unsetenv("DIGITS_WEIGHTS");
  setenv("DIGITS_TEST_TOOLS", DIGITS_BINARY_DIR "/tools", 1);
  setenv("DIGITS_TEST_SOURCE", DIGITS_SOURCE_DIR, 1);
  suite_new_folder(folder);
  dg_dataset *set = dg_dataset_draw(300, 100, 1, 1, NULL);
  bool ok = set && dg_dataset_write(set, folder, false, NULL);
  dg_dataset_close(set);
  if (!ok) perror(folder);
  return ok;
}

void shell_close(void) {
  char command[100];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  if (system(command) != 0) perror(command);
}

const char *shell_path(const char *name) {
  static char path[200];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

int shell(const char *command) {
  char line[2000];
  snprintf(line, sizeof line, "cd %s && { %s; } 2>&1", folder, command);
  FILE *pipe = popen(line, "r");
  ck_assert_ptr_nonnull(pipe);
  size_t length = fread(printed, 1, sizeof printed - 1, pipe);
  printed[length] = '\0';
  int status = pclose(pipe);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const char *shell_printed(void) {
  return printed;
}

void shell_check(const char *command, int status, const char *says) {
  int got = shell(command);
  ck_assert_msg(got == status, "%s: exit %d, not %d:\n%s", command, got, status, printed);
  ck_assert_msg(strstr(printed, says) != NULL, "%s: expected \"%s\" in:\n%s", command, says,
                printed);
}
