#include "core/model/model.h"

#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model/override.h"
#include "core/model/source.h"

/* ---- the keys outside layers -------------------------------------------- */

static const char *const loss_names[] = {"cross_entropy", "mse", "mae", "huber", "bce", NULL};
static const char *const target_names[] = {"given", "input", NULL};
static const char *const measure_names[] = {"measure", NULL};
static const char *const targets_names[] = {"given", "measure", NULL};
static const char *const keep_names[] = {"last", "best", NULL};
static const char *const split_names[] = {"random", "stratified", NULL};
static const char *const class_weights_names[] = {"balanced", NULL};

const char *const dg_keep_by_names[] = {
    [DG_KEEP_BY_TASK] = "auto",
    [DG_KEEP_BY_ACCURACY] = "accuracy",
    [DG_KEEP_BY_LOSS] = "loss",
    [DG_KEEP_BY_TOP5] = "top5_accuracy",
    [DG_KEEP_BY_PRECISION] = "precision_macro",
    [DG_KEEP_BY_RECALL] = "recall_macro",
    [DG_KEEP_BY_F1] = "f1_macro",
    [DG_KEEP_BY_MAE] = "mae",
    [DG_KEEP_BY_RMSE] = "rmse",
    [DG_KEEP_BY_R2] = "r2",
    [DG_KEEP_BY_R2 + 1] = NULL,
};

/** The keys of the model itself. */
typedef struct {
  char name[DG_NAME_SIZE];
  char description[DG_LINE_SIZE];
  int loss, target;
  double huber_delta;
  bool lengths;
} heading;

static const dg_key model_keys[] = {
    {.name = "name",
     .type = DG_KEY_NAME,
     .offset = offsetof(heading, name),
     .required = true,
     .help = "name of the model"},
    {.name = "description",
     .type = DG_KEY_LINE,
     .offset = offsetof(heading, description),
     .help = "one line about the model"},
    {.name = "loss",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(heading, loss),
     .choices = loss_names,
     .help = "what training minimizes"},
    {.name = "target",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(heading, target),
     .choices = target_names,
     .help = "what to learn: \"given\", the labels or targets of the data, or \"input\", the "
             "input itself, as an autoencoder does"},
    {.name = "huber_delta",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(heading, huber_delta),
     .above_low = true,
     .high = 1e6,
     .help = "loss \"huber\": errors above this count linearly"},
    {.name = "lengths",
     .type = DG_KEY_BOOL,
     .offset = offsetof(heading, lengths),
     .help = "samples are sequences of unequal length, of at most the steps of `input`"},
};
static const heading model_defaults = {.loss = DG_LOSS_CROSS_ENTROPY, .huber_delta = 1};

#define NORM(field, ...)                                                                           \
  {                                                                                                \
    .name = #field, .type = DG_KEY_NUMBERS, .offset = offsetof(dg_data_recipe, field),             \
    .choices = measure_names, .most = DG_MODEL_COLUMNS, __VA_ARGS__                                \
  }
static const dg_key data_keys[] = {
    NORM(mean, .low = -1e30, .high = 1e30,
         .help =
             "subtracted from every number of a sample (pixels are 0 to 1), for each channel or "
             "column; \"measure\": their means in the training part"),
    NORM(std, .above_low = true, .high = 1e30,
         .help = "every number is then divided by this; \"measure\": their standard deviations"),
    {.name = "targets",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(dg_data_recipe, targets),
     .choices = targets_names,
     .help = "\"measure\": target_mean and target_std are those of the training part"},
    NORM(target_mean, .low = -1e30, .high = 1e30,
         .help = "subtracted from each target to learn; added again to what the network gives"),
    NORM(target_std, .above_low = true, .high = 1e30,
         .help = "each target is then divided by this; what the network gives is multiplied by it"),
    {.name = "validation",
     .type = DG_KEY_COUNT,
     .offset = offsetof(dg_data_recipe, validation),
     .help = "training samples set aside for validation"},
    {.name = "split",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(dg_data_recipe, split),
     .choices = split_names,
     .help = "which are set aside: \"random\" ones, or \"stratified\", of each class its share (by "
             "the largest remainders, so a class of few samples may get none)"},
    {.name = "shuffle_block",
     .type = DG_KEY_COUNT,
     .offset = offsetof(dg_data_recipe, shuffle_block),
     .high = 1 << 26,
     .help = "samples of a block: blocks are shuffled, then the samples of every eight of them, "
             "so that a set may be larger than the device's memory; 0: all are shuffled together"},
};
static const dg_data_recipe data_defaults = {0};

static const dg_key train_keys[] = {
    {.name = "epochs",
     .type = DG_KEY_COUNT,
     .offset = offsetof(dg_train_recipe, epochs),
     .low = 1,
     .high = 1000000,
     .help = "passes over the training samples"},
    {.name = "steps",
     .type = DG_KEY_COUNT,
     .offset = offsetof(dg_train_recipe, steps),
     .high = 1 << 24,
     .help = "steps of an epoch; 0: until every sample was used"},
    {.name = "batch",
     .type = DG_KEY_COUNT,
     .offset = offsetof(dg_train_recipe, batch),
     .low = 1,
     .high = 65536,
     .help = "samples of a step; with accumulate: of each of its batches"},
    {.name = "accumulate",
     .type = DG_KEY_COUNT,
     .offset = offsetof(dg_train_recipe, accumulate),
     .low = 1,
     .high = 1024,
     .help = "batches of a step, one after the other; batch norms see each by itself"},
    {.name = "slices",
     .type = DG_KEY_COUNT,
     .offset = offsetof(dg_train_recipe, slices),
     .high = 1024,
     .help = "slices that a batch is cut into, whose gradients are added in a fixed order, whoever "
             "computes them; 0: none"},
    {.name = "clip_norm",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(dg_train_recipe, clip_norm),
     .help = "longest norm of all gradients together; 0: no limit"},
    {.name = "label_smoothing",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(dg_train_recipe, label_smoothing),
     .high = 1,
     .below_high = true,
     .help = "share of a label that is spread over all classes; also in reported losses"},
    {.name = "class_weights",
     .type = DG_KEY_NUMBERS,
     .offset = offsetof(dg_train_recipe, class_weights),
     .high = 1e6,
     .choices = class_weights_names,
     .most = DG_MODEL_CLASSES,
     .help =
         "what a sample's loss is multiplied by, for each class; \"balanced\": as rare as it is"},
    {.name = "average",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(dg_train_recipe, average),
     .high = 1,
     .below_high = true,
     .help = "decay of the moving average of the weights that is kept; 0: none"},
    {.name = "keep",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(dg_train_recipe, keep),
     .choices = keep_names,
     .help = "the epoch whose parameters are kept (best: by validation)"},
    {.name = "keep_by",
     .type = DG_KEY_CHOICE,
     .offset = offsetof(dg_train_recipe, keep_by),
     .choices = dg_keep_by_names,
     .help =
         "the metric that tells the best validation; \"auto\": accuracy, or loss where there are "
         "no answers to count"},
    {.name = "early_stop",
     .type = DG_KEY_COUNT,
     .offset = offsetof(dg_train_recipe, early_stop),
     .high = 1000000,
     .help = "training ends after so many epochs without a better validation; 0: after all epochs"},
    {.name = "exact",
     .type = DG_KEY_BOOL,
     .offset = offsetof(dg_train_recipe, exact),
     .help = "the same bits with any number of threads, even if that is slower"},
};
static const dg_train_recipe train_defaults = {
    .epochs = 10,
    .batch = 64,
    .accumulate = 1,
    .optimizer = {.kind = DG_ADAM, .lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8},
};

static const dg_key_table model_table = DG_KEY_TABLE("the model", model_keys, model_defaults);
static const dg_key_table data_table = DG_KEY_TABLE("data", data_keys, data_defaults);
static const dg_key_table train_table = DG_KEY_TABLE("train", train_keys, train_defaults);

static bool wants_group(const config_setting_t *setting, dg_error *err) {
  return config_setting_is_group(setting) ||
         dg_fail_at(err, setting, "%s must be a group: %s = { … };", config_setting_name(setting),
                    config_setting_name(setting));
}

/** Reads the group `data`, after input. */
static bool read_data(const config_setting_t *root, const dg_shape *input, dg_data_recipe *data,
                      dg_error *err) {
  static const char *const also[] = {"augment"};
  *data = data_defaults;
  const config_setting_t *group = config_setting_get_member(root, "data");
  if (!group) return true;
  if (!wants_group(group, err) || !dg_keys_read(group, &data_table, also, 1, data, err))
    return false;
  const config_setting_t *augment = config_setting_get_member(group, "augment");
  return !augment ||
         (wants_group(augment, err) && dg_read_augment(augment, input, &data->augment, err));
}

static bool check_class_weights(const config_setting_t *group, const dg_number_list *weights,
                                dg_error *err) {
  for (uint32_t i = 0; i < weights->count; i++)
    if (weights->values[i] > 0) return true;
  return weights->count == 0 || dg_fail_at(err, config_setting_get_member(group, "class_weights"),
                                           "class_weights are all 0: nothing would be learned");
}

/** Does a list have one number for all, or one for each of `count`? */
static bool check_length(const config_setting_t *root, const char *key,
                         const dg_number_list *numbers, uint32_t count, const char *of,
                         dg_error *err) {
  const config_setting_t *group = config_setting_get_member(root, "data");
  return numbers->count <= 1 || numbers->count == count ||
         dg_fail_at(err, config_setting_get_member(group, key),
                    "%s has %u numbers, but the input has %u %s: one for all, or one for each", key,
                    numbers->count, count, of);
}

/** Refuses numbers of the group `data` that the input has no channels for, and a split of no
    samples. */
static bool check_data(const config_setting_t *root, const dg_model *model, dg_error *err) {
  const config_setting_t *group = config_setting_get_member(root, "data");
  const dg_shape *in = &model->input;
  const uint32_t channels = in->dim[in->rank == 3 ? 0 : in->rank - 1];
  const char *of = in->rank == 3 ? "channels" : in->rank == 2 ? "features" : "columns";
  if (model->data.split == DG_SPLIT_STRATIFIED && model->data.validation == 0)
    return dg_fail_at(err, config_setting_get_member(group, "split"),
                      "split = \"stratified\" needs validation samples: validation = N;");
  return check_length(root, "mean", &model->data.mean, channels, of, err) &&
         check_length(root, "std", &model->data.std, channels, of, err);
}

/** Refuses settings of the group `train` that have no effect because of others. */
static bool check_train(const config_setting_t *group, const dg_model *model, dg_error *err) {
  const dg_train_recipe *train = &model->train;
  if (train->keep == DG_KEEP_BEST && model->data.validation == 0)
    return dg_fail_at(err, config_setting_get_member(group, "keep"),
                      "keep = \"best\" needs validation samples: data = { validation = N; };");
  if (train->early_stop > 0 && model->data.validation == 0)
    return dg_fail_at(err, config_setting_get_member(group, "early_stop"),
                      "early_stop needs validation samples: data = { validation = N; };");
  if (train->keep_by != DG_KEEP_BY_TASK && model->data.validation == 0)
    return dg_fail_at(err, config_setting_get_member(group, "keep_by"),
                      "keep_by needs validation samples: data = { validation = N; };");
  if (train->label_smoothing > 0 && model->loss != DG_LOSS_CROSS_ENTROPY)
    return dg_fail_at(err, config_setting_get_member(group, "label_smoothing"),
                      "label_smoothing needs loss = \"cross_entropy\"");
  return check_class_weights(group, &train->class_weights, err);
}

/** Reads the group `train`, after loss and data. */
static bool read_train(const config_setting_t *root, dg_model *model, dg_error *err) {
  static const char *const also[] = {"optimizer", "schedule"};
  dg_train_recipe *train = &model->train;
  *train = train_defaults;
  const config_setting_t *group = config_setting_get_member(root, "train");
  if (!group) return true;
  if (!wants_group(group, err) || !dg_keys_read(group, &train_table, also, 2, train, err))
    return false;
  const config_setting_t *optimizer = config_setting_get_member(group, "optimizer");
  if (optimizer &&
      (!wants_group(optimizer, err) || !dg_read_optimizer(optimizer, &train->optimizer, err)))
    return false;
  const config_setting_t *schedule = config_setting_get_member(group, "schedule");
  if (schedule &&
      (!wants_group(schedule, err) || !dg_read_schedule(schedule, &train->schedule, err)))
    return false;
  return check_train(group, model, err);
}

/** `input = [channels, height, width]` or `[steps, features]`. */
static bool read_input(const config_setting_t *root, dg_shape *shape, dg_error *err) {
  const config_setting_t *input = config_setting_get_member(root, "input");
  if (!input)
    return dg_fail_at(err, root, "the model needs the key \"input\": [channels, height, width]");
  int rank = config_setting_is_aggregate(input) ? config_setting_length(input) : 0;
  bool ok = rank >= 1 && rank <= 3;
  *shape = (dg_shape){.rank = (uint32_t)rank};
  for (int i = 0; ok && i < rank; i++) {
    const config_setting_t *size = config_setting_get_elem(input, (unsigned)i);
    ok = config_setting_type(size) == CONFIG_TYPE_INT && config_setting_get_int(size) > 0;
    if (ok) shape->dim[i] = (uint32_t)config_setting_get_int(size);
  }
  if (!ok)
    return dg_fail_at(err, input, "input must be [channels, height, width], whole numbers above 0");
  return dg_shape_fits(shape, err) || dg_fail_at(err, input, "input is too large");
}

/* ---- the whole ---------------------------------------------------------- */

/** Are the samples sequences, if they have lengths? */
static bool check_lengths(const config_setting_t *root, const dg_model *model, dg_error *err) {
  const config_setting_t *key = config_setting_get_member(root, "lengths");
  char shape[64];
  if (!model->lengths) return true;
  if (model->input.rank != 2)
    return dg_fail_at(err, key, "lengths = true needs input = [steps, features], not %s",
                      dg_shape_text(&model->input, shape, sizeof shape));
  if (model->input.dim[0] > DG_LENGTH_MOST)
    return dg_fail_at(err, key, "lengths = true allows at most %d steps", DG_LENGTH_MOST);
  return model->target != DG_TARGET_INPUT ||
         dg_fail_at(err, key,
                    "target = \"input\" and lengths = true exclude each other: what is beyond the "
                    "end of a sequence is not to be learned");
}

static bool read_model(const config_t *config, dg_model *model, dg_error *err) {
  static const char *const also[] = {"input", "data", "layers", "train"};
  const config_setting_t *root = config_root_setting(config);
  heading head;
  if (!dg_keys_read(root, &model_table, also, sizeof also / sizeof *also, &head, err)) return false;
  const config_setting_t *delta = config_setting_get_member(root, "huber_delta");
  if (delta && head.loss != DG_LOSS_HUBER)
    return dg_fail_at(err, delta, "huber_delta needs loss = \"huber\"");
  memcpy(model->name, head.name, sizeof model->name);
  memcpy(model->description, head.description, sizeof model->description);
  model->loss = head.loss;
  model->target = head.target;
  model->huber_delta = head.huber_delta;
  model->lengths = head.lengths;
  if (head.target == DG_TARGET_INPUT && head.loss == DG_LOSS_CROSS_ENTROPY)
    return dg_fail_at(err, config_setting_get_member(root, "target"),
                      "target = \"input\" needs a loss of numbers: loss = \"mse\"");
  if (!read_input(root, &model->input, err) || !read_data(root, &model->input, &model->data, err) ||
      !check_data(root, model, err) || !read_train(root, model, err) ||
      !check_lengths(root, model, err) || !dg_read_layers(root, model, err))
    return false;
  model->text = dg_source_text(root);
  if (!model->text) return dg_fail_memory(err, 1);
  return strlen(model->text) <= DG_SOURCE_SIZE ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: with every key on a line the model has %zu bytes, more "
                 "than %d",
                 model->path, strlen(model->text), DG_SOURCE_SIZE);
}

/** Makes a model from a parsed tree; if parsing failed, only frees the tree. */
static dg_model *finish(config_t *config, bool ok, const char *where, const dg_override *overrides,
                        size_t count, dg_error *err) {
  dg_model *model = ok ? calloc(1, sizeof *model) : NULL;
  if (ok && !model) dg_fail_memory(err, sizeof *model);
  ok = model != NULL;
  if (model) snprintf(model->path, sizeof model->path, "%s", where);
  for (size_t i = 0; ok && i < count; i++) ok = dg_source_override(config, &overrides[i], err);
  ok = ok && read_model(config, model, err);
  for (size_t i = 0; ok && i < count; i++)
    model->data.validation_given |= strcmp(overrides[i].path, "data.validation") == 0;
  config_destroy(config);
  if (ok) return model;
  dg_model_free(model);
  return NULL;
}

dg_model *dg_model_load(const char *model, const dg_override *overrides, size_t count,
                        dg_error *err) {
  char path[DG_PATH_SIZE];
  if (!dg_model_find(model, path, err)) return NULL;
  config_t config;
  config_init(&config);
  bool ok = dg_source_read(&config, path, err);
  return finish(&config, ok, path, overrides, count, err);
}

dg_model *dg_model_parse(const char *text, const char *where, const dg_override *overrides,
                         size_t count, dg_error *err) {
  config_t config;
  config_init(&config);
  bool ok = dg_source_parse(&config, text, where, err);
  return finish(&config, ok, where, overrides, count, err);
}

void dg_model_free(dg_model *model) {
  if (!model) return;
  for (uint32_t i = 0; i < model->layer_count; i++) free(model->layers[i].config);
  free(model->layers);
  dg_number_list_free(&model->train.class_weights);
  dg_number_list_free(&model->data.mean);
  dg_number_list_free(&model->data.std);
  dg_number_list_free(&model->data.target_mean);
  dg_number_list_free(&model->data.target_std);
  free(model->text);
  free(model);
}

const char *dg_model_name(const dg_model *model) {
  return model->name;
}

uint32_t dg_model_input(const dg_model *model, uint32_t dim[3]) {
  for (uint32_t i = 0; i < model->input.rank; i++) dim[i] = model->input.dim[i];
  return model->input.rank;
}

const char *dg_model_loss(const dg_model *model) {
  return loss_names[model->loss];
}

bool dg_model_learns_input(const dg_model *model) {
  return model->target == DG_TARGET_INPUT;
}

const char *dg_model_text(const dg_model *model) {
  return model->text;
}
