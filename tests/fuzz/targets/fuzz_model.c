/*
 * The reader of model files, overrides, and the joining of layers to a network. What stands behind
 * the first NUL of the input is an override: PATH=VALUE.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/graph/build.h"
#include "core/model/model.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool run_all(const void *user, const dg_op_desc *desc) {
  (void)user, (void)desc;
  return true;
}

/** Infers the shapes, fuses, directs gradients; once more as a network that only tests. */
static void join(const dg_model *model) {
  const dg_op_predicate can_run = {run_all, NULL};
  for (int train = 0; train <= 1; train++) {
    dg_error err = {0};
    dg_graph graph;
    if (dg_graph_build(&graph, model, train, NULL, &can_run, &err) != (err.kind == DG_OK)) abort();
    dg_graph_free(&graph);
  }
}

/* ---- the target --------------------------------------------------------- */

/** The effective text of a model must read as the same model. */
static void read_again(const dg_model *model) {
  dg_error err = {0};
  dg_model *again = dg_model_parse(dg_model_text(model), "again", NULL, 0, &err);
  if (!again || strcmp(dg_model_text(again), dg_model_text(model)) != 0) {
    fprintf(stderr, "%s\n%s\nreads again as:\n%s\n", err.message, dg_model_text(model),
            again ? dg_model_text(again) : "");
    abort();
  }
  dg_model_free(again);
}

/** Splits `text` at its first '=' to an override; false where there is none. */
static bool split(char *text, dg_override *override) {
  char *equals = strchr(text, '=');
  if (!equals) return false;
  *equals = '\0';
  *override = (dg_override){"--set", text, equals + 1};
  return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  const uint8_t *end = memchr(bytes, '\0', size);
  size_t length = end ? (size_t)(end - bytes) : size, rest = end ? size - length - 1 : 0;
  char *text = calloc(1, rest + 1);
  if (!text) abort();
  if (rest) memcpy(text, end + 1, rest);
  dg_override override;
  dg_error err = {0};
  bool overridden = split(text, &override);
  dg_model *model = dg_model_load(fuzz_file(bytes, length), &override, overridden, &err);
  if ((model != NULL) != (err.kind == DG_OK)) abort();
  if (model) join(model), read_again(model);
  dg_model_free(model);
  free(text);
  return 0;
}
