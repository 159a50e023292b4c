/** digits-manual: writes man pages and completions when digits is built. It isn't installed. */
#include <stdlib.h>
#include <string.h>

#include "core/base/file/file.h"
#include "digits/version.h"
#include "manual/completion.h"
#include "manual/page.h"
#include "tools/common/command.h"

static const char help_text[] =
    "Usage: digits-manual page OUT PROGRAM HELP PART DATE OTHERS...\n"
    "       digits-manual bash OUT SCRIPT PROGRAM HELP...\n"
    "       digits-manual zsh OUT SCRIPT PROGRAM HELP...\n"
    "Writes the man page of a program from HELP, the output of its --help, and PART, its\n"
    "hand-written part; or a completion from PROGRAM HELP pairs, with SCRIPT below their table.\n";

enum { MAX_BYTES = 1 << 20 };

static bool write_page(markup *out, char **words, int count, dg_error *err) {
  page_frame frame = {.program = words[0],
                      .part = words[2],
                      .date = words[3],
                      .version = dg_version(),
                      .others = (const char *const *)(words + 4),
                      .other_count = (size_t)count - 4};
  help h;
  bool ok = help_read(&h, words[1], err) && page_write(out, &h, &frame, err);
  help_free(&h);
  return ok;
}

static bool add_script(markup *out, const char *path, dg_error *err) {
  size_t size;
  char *script = dg_file_read(path, MAX_BYTES, &size, err);
  if (!script) return false;
  markup_add(out, "%s", script);
  free(script);
  return true;
}

/** The table of each program, then the script that reads it. */
static bool write_completion(markup *out, bool zsh, char **words, int count, dg_error *err) {
  if (zsh) markup_add(out, "#compdef");
  for (int i = 1; zsh && i + 1 < count; i += 2) markup_add(out, " %s", words[i]);
  markup_add(out, zsh ? "\n\n_digits_specs() {\n  case $1 in\n" : "");
  bool ok = true;
  for (int i = 1; ok && i + 1 < count; i += 2) {
    help h;
    ok = help_read(&h, words[i + 1], err) &&
         (zsh ? completion_zsh : completion_bash)(out, &h, words[i], err);
    help_free(&h);
  }
  markup_add(out, zsh ? "  esac\n}\n\n" : "\n");
  ok = ok && add_script(out, words[0], err);
  for (int i = 1; ok && !zsh && i + 1 < count; i += 2)
    markup_add(out, "complete -F _digits %s\n", words[i]);
  return ok;
}

static bool write_out(markup *out, int argc, char **argv, dg_error *err) {
  if (argc >= 7 && strcmp(argv[1], "page") == 0) return write_page(out, argv + 3, argc - 3, err);
  bool zsh = argc > 1 && strcmp(argv[1], "zsh") == 0;
  if (argc >= 6 && (zsh || strcmp(argv[1], "bash") == 0))
    return write_completion(out, zsh, argv + 3, argc - 3, err);
  return dg_fail(err, DG_ERR_INPUT, "%s", help_text);
}

int main(int argc, char **argv) {
  dg_error err = {0};
  markup out = {0};
  command_begin();
  bool ok = write_out(&out, argc, argv, &err) && markup_write(&out, argv[2], &err);
  markup_free(&out);
  return command_end("digits-manual", "", ok, &err);
}
