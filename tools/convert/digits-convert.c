/** digits-convert: weights from and for other programs. */
#include <stdio.h>
#include <string.h>

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

/** A model by name or path, or the one in a weight file. */
static dg_model *load_model(const char *model, dg_error *err) {
  static const char weights[] = ".safetensors";
  size_t length = strlen(model), end = sizeof weights - 1;
  if (length > end && strcmp(model + length - end, weights) == 0)
    return dg_model_from_weights(model, NULL, 0, err);
  return dg_model_load(model, NULL, 0, err);
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
  dg_model *model = o->model ? load_model(o->model, err) : NULL;
  if (o->model && !model) return false;
  if (!o->quiet) o->how.mapped = tell;
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
    ok = fputs(convert_options_help, stdout) >= 0;
  else if (ok && o.task == CONVERT_VERSION)
    ok = say("digits-convert %s\n", dg_version());
  else if (ok)
    ok = convert(&o, &err);
  return command_end("digits-convert", "model map layout key", ok, &err);
}
