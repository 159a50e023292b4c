/** digits-convert: weights from and for other programs. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file/descriptor.h"
#include "core/base/file/file.h"
#include "digits/exchange.h"
#include "digits/model.h"
#include "digits/version.h"
#include "tools/common/command.h"
#include "tools/common/piped.h"
#include "tools/common/say.h"
#include "tools/common/targets.h"
#include "tools/convert/options.h"

/** Prints a line of the mapping. */
static void tell(void *user, const char *theirs, const char *ours, const char *how) {
  (void)user;
  say("%-32s %s %-32s (%s)\n", ours ? ours : "-", "<-", theirs ? theirs : "-",
      theirs ? how : "the file has none: no change");
}

/** Warns of a setting of the file that the model contradicts. */
static void warn(void *user, const dg_difference *difference) {
  const convert_options *o = user;
  say_to(stderr, "digits-convert: warning: %s: %s", o->input, difference->message);
  if (difference->key)
    say_to(stderr, "; --set %s.%s=%s sets it", difference->layer, difference->key,
           difference->theirs);
  say_to(stderr, "\n");
}

/** Is it a path of a safetensors file, whatever its name? That begins with the length of its
   header, which no text can be, and the header. */
static bool is_weights(const char *path) {
  static const char extension[] = ".safetensors";
  const size_t length = strlen(path), end = sizeof extension - 1;
  uint8_t first[9] = {0};
  uint64_t size, header = 0;
  if (length > end && strcmp(path + length - end, extension) == 0) return true;
  const int file = strchr(path, '/') ? dg_file_open(path, &size, NULL) : -1;
  if (file < 0) return false;
  const bool read = dg_read_at(file, first, sizeof first, 0) == 0;
  close(file);
  for (int i = 7; i >= 0; i--) header = header << 8 | first[i];
  return read && first[8] == '{' && header <= size - 8;
}

/** The model of the options, by name or path, or the one in a weight file. */
static dg_model *load_model(const convert_options *o, dg_error *err) {
  return (is_weights(o->model) ? dg_model_from_weights : dg_model_load)(o->model, o->sets,
                                                                        o->set_count, err);
}

/** Checks that no input would be overwritten, except INPUT by OUTPUT. */
static bool check_targets(const convert_options *o, dg_error *err) {
  static const char input[] = "the weights are";
  targets t = {0};
  bool ok = targets_write(&t, "OUTPUT", o->output, input, err) &&
            targets_read(&t, input, o->input, err) &&
            (!o->model || (targets_read_model(&t, o->model, err) &&
                           targets_read(&t, "the model is", o->model, err)));
  targets_close(&t);
  return ok;
}

static bool convert(convert_options *o, dg_error *err) {
  char pipes[2][PIPED_PATH];
  if (!check_targets(o, err) || !piped(&o->input, pipes[0], err) ||
      !piped(&o->model, pipes[1], err))
    return false;
  dg_model *model = o->model ? load_model(o, err) : NULL;
  if (o->model && !model) return false;
  if (!o->quiet) o->how.mapped = tell;
  o->how.user = o;
  o->how.differs = warn;
  bool ok = dg_weights_convert(o->input, o->output, model, &o->how, err);
  if (ok && !o->quiet) say("%s: written\n", o->output);
  dg_model_free(model);
  return ok;
}

int main(int argc, char **argv) {
  convert_options o;
  dg_error err = {0};
  command_begin();
  bool ok = convert_options_read(&o, argc, argv, &err);
  if (ok && o.task == CONVERT_HELP)
    ok = command_help(convert_options_help);
  else if (ok && o.task == CONVERT_VERSION)
    ok = say("digits-convert %s\n", dg_version());
  else if (ok)
    ok = convert(&o, &err);
  return command_end("digits-convert", "model map layout key set from", ok, &err);
}
