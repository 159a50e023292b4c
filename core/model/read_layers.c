/** The list of layers of a model file: each block is read once for each copy. */
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/layers/layers.h"
#include "core/model/block.h"
#include "core/model/model.h"
#include "core/model/names.h"

static const uint64_t COUNT_MOST = (uint64_t)1 << 40;

/** The model or a copy of a block: where the layers of a list are. */
typedef struct scope {
  const struct scope *around;    /**< NULL: this is the model */
  char prefix[DG_NAME_SIZE];     /**< of full names: "layer1.0."; "" in the model */
  int input;                     /**< what goes in: a layer, or DG_MODEL_INPUT */
  uint32_t first;                /**< the index of its first layer */
  uint32_t next[DG_LAYER_KINDS]; /**< for each kind: the next number of a name to try, less 1 */
} scope;

/** The model while its layers are read. */
typedef struct {
  dg_model *model; /**< layer_count: those that were read so far */
  dg_names *names;
} reader;

/* ---- names -------------------------------------------------------------- */

/** Makes a full name; false if it is too long. */
static bool join(const scope *at, const char *name, char full[DG_NAME_SIZE]) {
  const size_t before = strlen(at->prefix), length = strlen(name);
  if (before + length >= DG_NAME_SIZE) return false;
  memcpy(full, at->prefix, before);
  memcpy(full + before, name, length + 1);
  return true;
}

static bool fail_long(const config_setting_t *setting, const scope *at, const char *name,
                      dg_error *err) {
  return dg_fail_at(err, setting, "the full name \"%s%s\" has more than %d bytes", at->prefix, name,
                    DG_NAME_SIZE - 1);
}

static uint32_t index_of(const dg_layer_class *kind) {
  uint32_t index = 0;
  while (dg_layer_classes[index] != kind) index++;
  return index;
}

/** Names a layer by its kind and the first free number. */
static bool make_name(const config_setting_t *group, reader *r, scope *at, dg_model_layer *layer,
                      dg_error *err) {
  uint32_t *number = &at->next[index_of(layer->kind)];
  const dg_named *taken;
  do {
    char name[DG_NAME_SIZE];
    snprintf(name, sizeof name, "%s%u", layer->kind->type, ++*number);
    if (!join(at, name, layer->name)) return fail_long(group, at, name, err);
    taken = dg_names_find(r->names, r->model, layer->name);
  } while (taken && (!at->around || taken->layer > at->first));
  return !taken || dg_fail_at(err, group, "the name \"%s\" is used twice", layer->name);
}

/** The layer's own name, or its type and the first free number. */
static bool read_layer_name(const config_setting_t *group, reader *r, scope *at,
                            dg_model_layer *layer, dg_error *err) {
  const config_setting_t *setting = config_setting_get_member(group, "name");
  char name[DG_NAME_SIZE];
  if (!setting) return make_name(group, r, at, layer, err);
  if (!dg_names_read(config_setting_get_string(setting), name))
    return dg_fail_at(err, setting,
                      "name must be a name of letters, digits, _ and -, or several joined by dots");
  if (strcmp(name, "input") == 0)
    return dg_fail_at(err, setting,
                      "\"input\" is the name of what goes into the model or block; choose another");
  if (!join(at, name, layer->name)) return fail_long(setting, at, name, err);
  return !dg_names_find(r->names, r->model, layer->name) ||
         dg_fail_at(err, setting, "the name \"%s\" is used twice", layer->name);
}

/** Is a block of that full name still being read? */
static bool is_around(const scope *at, const char *block) {
  const size_t length = strlen(block);
  return strncmp(at->prefix, block, length) == 0 && at->prefix[length] == '.';
}

/**
 * The layer that a name means: what goes into the innermost block for "input"; else a layer, or the
 * last one of a block, that is called so in the innermost copy, or in the one around it. Below
 * DG_MODEL_INPUT: none.
 */
static int resolve(const reader *r, const scope *at, const char *name) {
  if (strcmp(name, "input") == 0) return at->input;
  for (const scope *in = at; in; in = in->around) {
    char full[DG_NAME_SIZE];
    const dg_named *found = join(in, name, full) ? dg_names_find(r->names, r->model, full) : NULL;
    if (found && !(found->block && is_around(at, full))) return found->layer - 1;
  }
  return DG_MODEL_INPUT - 1;
}

/* ---- a layer ------------------------------------------------------------ */

static const dg_layer_class *read_kind(const config_setting_t *group, dg_error *err) {
  const config_setting_t *setting = config_setting_get_member(group, "type");
  const char *type = setting ? config_setting_get_string(setting) : NULL;
  if (!type) {
    dg_fail_at(err, setting ? setting : group, "a layer needs the key \"type\", a word in quotes");
    return NULL;
  }
  const dg_layer_class *kind = dg_layer_find(type);
  if (kind) return kind;
  const char *names[DG_LAYER_KINDS];
  for (size_t i = 0; i < DG_LAYER_KINDS; i++) names[i] = dg_layer_classes[i]->type;
  dg_fail_unknown(err, setting, "layer type", type, "", names, DG_LAYER_KINDS);
  return NULL;
}

/** What a layer or block reads where it names nothing: what stands before it. */
static int before(const reader *r, const scope *at) {
  return r->model->layer_count == at->first ? at->input : (int)r->model->layer_count - 1;
}

/** Reads the name of an input; `who` reads it. */
static bool read_one_input(const config_setting_t *setting, const reader *r, const scope *at,
                           const char *who, int *out, dg_error *err) {
  const char *name = config_setting_get_string(setting);
  if (!name) return dg_fail_at(err, setting, "an input is the name of a layer, in quotes");
  *out = resolve(r, at, name);
  return *out >= DG_MODEL_INPUT ||
         dg_fail_at(err, setting, "%s reads \"%s\", but no layer before it has that name", who,
                    name);
}

/** `input = "conv1"` or `inputs = ["conv1", "conv2"]`; the layer before, if neither is given. */
static bool read_inputs(const config_setting_t *group, const reader *r, const scope *at,
                        dg_model_layer *layer, dg_error *err) {
  const config_setting_t *one = config_setting_get_member(group, "input");
  const config_setting_t *several = config_setting_get_member(group, "inputs");
  char who[DG_NAME_SIZE + 16];
  snprintf(who, sizeof who, "layer \"%s\"", layer->name);
  if (one && several) return dg_fail_at(err, several, "give either input or inputs");
  if (one && !read_one_input(one, r, at, who, &layer->in[layer->inputs++], err)) return false;
  int count = several && config_setting_is_aggregate(several) ? config_setting_length(several) : 0;
  if (several && (count == 0 || count > DG_MAX_IN))
    return dg_fail_at(err, several, "inputs must be a list of 1 to %d names of layers", DG_MAX_IN);
  for (int i = 0; i < count; i++)
    if (!read_one_input(config_setting_get_elem(several, (unsigned)i), r, at, who,
                        &layer->in[layer->inputs++], err))
      return false;
  if (!one && !several) layer->in[layer->inputs++] = before(r, at);
  const dg_layer_class *kind = layer->kind;
  if (layer->inputs >= kind->min_inputs && layer->inputs <= kind->max_inputs) return true;
  return dg_fail_at(err, several ? several : group,
                    "layer \"%s\" (%s) reads %u to %u layers, not %u%s", layer->name, kind->type,
                    kind->min_inputs, kind->max_inputs, layer->inputs,
                    kind->max_inputs > 1 ? "; name them: inputs = [\"a\", \"b\"];" : "");
}

static bool read_keys(const config_setting_t *group, dg_model_layer *layer, dg_error *err) {
  static const char *const also[] = {"type", "name", "input", "inputs"};
  const dg_layer_class *kind = layer->kind;
  char what[100];
  snprintf(what, sizeof what, "layer \"%s\" (%s)", layer->name, kind->type);
  layer->config = calloc(1, kind->config_size + 1);
  if (!layer->config) return dg_fail_memory(err, kind->config_size);
  dg_key_table table = {what, kind->keys, kind->key_count, kind->defaults, kind->config_size};
  return dg_keys_read(group, &table, also, sizeof also / sizeof *also, layer->config, err);
}

/** Adds the name of the copy or layer to an error in a block, since one line stands for several. */
static bool name_copy(const scope *at, const dg_model_layer *layer, dg_error *err) {
  if (!at->around || !err || (layer->name[0] && strstr(err->message, layer->name))) return false;
  if (layer->name[0]) return dg_fail_suffix(err, "; in layer \"%s\"", layer->name);
  return dg_fail_suffix(err, "; in block \"%.*s\"", (int)strlen(at->prefix) - 1, at->prefix);
}

static bool read_layer(const config_setting_t *group, reader *r, scope *at, dg_error *err) {
  const uint32_t index = r->model->layer_count;
  dg_model_layer *layer = &r->model->layers[index];
  bool ok =
      config_setting_is_group(group) || dg_fail_at(err, group, "a layer is a group: { type = …; }");
  if (ok) layer->kind = read_kind(group, err);
  if (!layer->kind) return name_copy(at, layer, err);
  snprintf(layer->location, sizeof layer->location, "%s:%u", r->model->path,
           config_setting_source_line(group));
  ok = read_layer_name(group, r, at, layer, err) && read_inputs(group, r, at, layer, err) &&
       read_keys(group, layer, err);
  r->model->layer_count++; /* whose keys dg_model_free frees */
  if (!ok) return name_copy(at, layer, err);
  return dg_names_add(r->names, r->model, index) ||
         dg_fail_at(err, group,
                    "\"%s\" has more than %d parts, or a layer has the name of a block in it",
                    layer->name, DG_NAME_PARTS);
}

/* ---- lists and blocks --------------------------------------------------- */

static bool read_block(const config_setting_t *group, reader *r, const scope *at, dg_error *err);

static bool read_list(const config_setting_t *list, reader *r, scope *at, dg_error *err) {
  for (int i = 0; i < config_setting_length(list); i++) {
    const config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
    if (!(dg_block_is(group) ? read_block(group, r, at, err) : read_layer(group, r, at, err)))
      return false;
  }
  return true;
}

/** Opens copy number `copy` of a block, whose name must be new. */
static bool open_copy(const config_setting_t *group, const dg_block *block, uint32_t copy,
                      const reader *r, const scope *at, scope *in, dg_error *err) {
  char name[DG_NAME_SIZE];
  dg_block_name(block, copy, name);
  if (!join(at, name, in->prefix) || strlen(in->prefix) + 1 >= DG_NAME_SIZE)
    return fail_long(group, at, name, err);
  if (dg_names_find(r->names, r->model, in->prefix))
    return dg_fail_at(err, group, "the name \"%s\" is used twice", in->prefix);
  strcat(in->prefix, ".");
  return true;
}

static bool read_block(const config_setting_t *group, reader *r, const scope *at, dg_error *err) {
  dg_block block;
  char who[2 * DG_NAME_SIZE + 16];
  int input = before(r, at);
  if (!dg_block_read(group, &block, err)) return false;
  snprintf(who, sizeof who, "block \"%s%s\"", at->prefix, block.name ? block.name : "");
  if (block.input && !read_one_input(block.input, r, at, who, &input, err)) return false;
  for (uint32_t i = 0; i < block.repeat; i++) {
    scope in = {.around = at, .input = input, .first = r->model->layer_count};
    if (!open_copy(group, &block, i, r, at, &in, err) || !read_list(block.layers, r, &in, err))
      return false;
    input = (int)r->model->layer_count - 1;
  }
  return true;
}

/** Counts the layers of a list with all copies; beyond COUNT_MOST the number is that. */
static bool count_layers(const config_setting_t *list, uint32_t depth, uint64_t *count,
                         dg_error *err) {
  *count = 0;
  for (int i = 0; i < config_setting_length(list); i++) {
    const config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
    dg_block block = {.repeat = 1};
    uint64_t inside = 1;
    if (dg_block_is(group)) {
      if (depth == DG_BLOCK_DEPTH)
        return dg_fail_at(err, group, "more than %d blocks lie within each other", DG_BLOCK_DEPTH);
      if (!dg_block_read(group, &block, err) ||
          !count_layers(block.layers, depth + 1, &inside, err))
        return false;
    }
    *count += block.repeat * inside;
    if (*count > COUNT_MOST) *count = COUNT_MOST;
  }
  return true;
}

bool dg_read_layers(const config_setting_t *root, dg_model *model, dg_error *err) {
  const config_setting_t *list = config_setting_get_member(root, "layers");
  uint64_t count = 0;
  if (!list || !config_setting_is_list(list) || config_setting_length(list) == 0)
    return dg_fail_at(err, list ? list : root,
                      "the model needs layers: layers = ( { type = \"linear\"; … }, … );");
  if (!count_layers(list, 0, &count, err)) return false;
  if (count > DG_MODEL_LAYERS)
    return dg_fail_at(err, list, "there are %llu layers; a model has at most %d",
                      (unsigned long long)count, DG_MODEL_LAYERS);
  scope whole = {.input = DG_MODEL_INPUT};
  reader r = {model, calloc(1, sizeof *r.names)};
  model->layers = calloc(count, sizeof *model->layers);
  bool ok = (r.names && model->layers) || dg_fail_memory(err, count * sizeof *model->layers);
  ok = ok && read_list(list, &r, &whole, err);
  free(r.names);
  return ok;
}
