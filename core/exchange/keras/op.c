#include "core/exchange/keras/op.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

dg_keras_op *dg_keras_add_op(dg_keras_network *network, uint32_t layer, const char *word,
                             uint32_t in, dg_error *err) {
  uint32_t count = network->op_count;
  if ((count & (count - 1)) == 0) {
    size_t size = (count ? 2 * (size_t)count : 1) * sizeof *network->ops;
    dg_keras_op *ops = realloc(network->ops, size);
    if (!ops) return dg_fail_memory(err, size), NULL;
    network->ops = ops;
  }
  dg_keras_op *op = &network->ops[network->op_count++];
  *op = (dg_keras_op){.word = word, .layer = layer, .inputs = in == DG_KERAS_NONE ? 0 : 1};
  op->in[0] = in;
  return op;
}

void dg_keras_set(dg_keras_op *op, const dg_keras_setting *setting) {
  for (uint32_t i = 0; i < op->setting_count; i++) {
    const dg_keras_setting *other = &op->settings[i];
    if (strcmp(other->theirs, setting->theirs) == 0 && other->kind == setting->kind &&
        (!setting->json || json_equal(other->json, setting->json)))
      return;
  }
  if (op->setting_count < DG_KERAS_SETTINGS) op->settings[op->setting_count++] = *setting;
}

void dg_keras_set_else(dg_keras_op *op, const char *theirs, const json_t *json) {
  dg_keras_set(op, &(dg_keras_setting){.kind = DG_KERAS_ELSE, .theirs = theirs, .json = json});
}

double dg_keras_number(const json_t *value) {
  if (json_is_boolean(value)) return json_is_true(value);
  if (json_is_object(value)) value = json_object_get(value, "value"); /* a scalar of numpy */
  return json_is_number(value) ? json_number_value(value) : NAN;
}

void dg_keras_set_number(dg_keras_op *op, const json_t *config, const char *theirs, const char *key,
                         double standard) {
  const json_t *json = json_object_get(config, theirs);
  double value = json && !json_is_null(json) ? dg_keras_number(json) : standard;
  if (isnan(value))
    dg_keras_set_else(op, theirs, json);
  else
    dg_keras_set(op, &(dg_keras_setting){.kind = DG_KERAS_NUMBER,
                                         .theirs = theirs,
                                         .key = key,
                                         .value = {value, value},
                                         .json = json});
}

void dg_keras_set_pair(dg_keras_op *op, const json_t *config, const char *theirs, const char *key) {
  const json_t *json = json_object_get(config, theirs);
  dg_keras_setting setting = {.kind = DG_KERAS_PAIR, .theirs = theirs, .key = key, .json = json};
  size_t count = json_is_array(json) ? json_array_size(json) : 1;
  if (!json || json_is_null(json)) return;
  for (size_t i = 0; i < 2; i++)
    setting.value[i] =
        dg_keras_number(json_is_array(json) ? json_array_get(json, count == 1 ? 0 : i) : json);
  if (count < 1 || count > 2 || isnan(setting.value[0]) || isnan(setting.value[1]))
    dg_keras_set_else(op, theirs, json);
  else
    dg_keras_set(op, &setting);
}

void dg_keras_need(dg_keras_op *op, const json_t *config, const char *theirs, double only) {
  const json_t *json = json_object_get(config, theirs), *item;
  size_t i;
  bool ok = !json || json_is_null(json) || dg_keras_number(json) == only;
  if (json_is_array(json)) {
    ok = true;
    json_array_foreach(json, i, item) ok &= dg_keras_number(item) == only;
  }
  if (!ok) dg_keras_set_else(op, theirs, json);
}

void dg_keras_need_word(dg_keras_op *op, const json_t *config, const char *theirs,
                        const char *only) {
  const json_t *json = json_object_get(config, theirs);
  if (!json || json_is_null(json)) return;
  if (!json_is_string(json) || strcmp(json_string_value(json), only) != 0)
    dg_keras_set_else(op, theirs, json);
}

bool dg_keras_is(const dg_keras_op *op, const char *type) {
  return op->type && strcmp(op->type, type) == 0;
}

bool dg_keras_is_recurrent(const dg_keras_op *op) {
  return dg_keras_is(op, "gru") || dg_keras_is(op, "lstm") || dg_keras_is(op, "rnn");
}

const char *dg_keras_word(const json_t *config, const char *key) {
  const char *word = json_string_value(json_object_get(config, key));
  return word ? word : "";
}
