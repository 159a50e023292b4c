/** batch_norm, layer_norm, rms_norm, group_norm and instance_norm. */
#include <float.h>
#include <stddef.h>

#include "core/layers/layer.h"

/** A parameter or running statistic with one number for each element of `shape`. */
static dg_param_spec numbers(const char *suffix, const dg_shape *shape, dg_init_kind init) {
  dg_param_spec spec = {.suffix = suffix, .rank = shape->rank, .init = init};
  for (uint32_t i = 0; i < shape->rank; i++) spec.dim[i] = shape->dim[i];
  return spec;
}

static void scale_and_shift(dg_layer_plan *plan, const dg_shape *shape) {
  plan->params = 2;
  plan->param[0] = numbers("weight", shape, DG_INIT_ONE);
  plan->param[1] = numbers("bias", shape, DG_INIT_ZERO);
}

/* ---- batch_norm --------------------------------------------------------- */

typedef struct {
  double momentum, eps;
} batch_norm_config;

static const batch_norm_config batch_norm_defaults = {.momentum = 0.1, .eps = 1e-5};

static const dg_key batch_norm_keys[] = {
    {.name = "momentum",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(batch_norm_config, momentum),
     .high = 1,
     .help = "weight of each batch in the running statistics"},
    {.name = "eps",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(batch_norm_config, eps),
     .above_low = true,
     .high = 1,
     .help = "added to the variance"},
};

static bool plan_batch_norm(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                            dg_error *err) {
  const batch_norm_config *c = given;
  const dg_shape *in = &site->in[0];
  (void)err;
  dg_batch_norm_desc d = {
      .rows = 1, .plane = 1, .momentum = (float)c->momentum, .eps = (float)c->eps};
  if (in->rank == 1) d.channels = in->dim[0];
  if (in->rank == 2) d.rows = in->dim[0], d.channels = in->dim[1];
  if (in->rank == 3) d.channels = in->dim[0], d.plane = in->dim[1] * in->dim[2];
  dg_shape channels = {1, {d.channels}};
  plan->out = *in;
  plan->op = (dg_op_desc){.kind = DG_OP_BATCH_NORM, .batch_norm = d};
  scale_and_shift(plan, &channels);
  plan->running_count = 2;
  plan->running[0] = numbers("running_mean", &channels, DG_INIT_ZERO);
  plan->running[1] = numbers("running_var", &channels, DG_INIT_ONE);
  plan->running[1].eps = d.eps;
  return true;
}

const dg_layer_class dg_layer_batch_norm = {
    .type = "batch_norm",
    .help =
        "Normalizes every channel (of an image) or feature, then scales and shifts it by what it "
        "learns: with the statistics of the batch in training, with running ones in testing "
        "(Ioffe and Szegedy, 2015).",
    .keys = batch_norm_keys,
    .key_count = sizeof batch_norm_keys / sizeof *batch_norm_keys,
    .defaults = &batch_norm_defaults,
    .config_size = sizeof(batch_norm_config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_batch_norm,
};

/* ---- layer_norm and rms_norm -------------------------------------------- */

typedef struct {
  double eps;
} row_norm_config;

static const row_norm_config layer_norm_defaults = {.eps = 1e-5},
                             rms_norm_defaults = {.eps = FLT_EPSILON};

static const dg_key layer_norm_keys[] = {
    {.name = "eps",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(row_norm_config, eps),
     .above_low = true,
     .high = 1,
     .help = "added to the variance"},
};

static const dg_key rms_norm_keys[] = {
    {.name = "eps",
     .type = DG_KEY_NUMBER,
     .offset = offsetof(row_norm_config, eps),
     .above_low = true,
     .high = 1,
     .help = "added to the mean square"},
};

static bool plan_layer_norm(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                            dg_error *err) {
  const row_norm_config *c = given;
  const dg_shape *in = &site->in[0];
  (void)err;
  dg_shape row = *in;
  if (in->rank == 2) row = (dg_shape){1, {in->dim[1]}};
  uint32_t count = (uint32_t)dg_shape_count(&row);
  plan->out = *in;
  plan->steps.use = DG_STEPS_APART;
  plan->op = (dg_op_desc){.kind = DG_OP_LAYER_NORM,
                          .layer_norm = {.rows = (uint32_t)dg_shape_count(in) / count,
                                         .count = count,
                                         .eps = (float)c->eps}};
  scale_and_shift(plan, &row);
  return true;
}

const dg_layer_class dg_layer_layer_norm = {
    .type = "layer_norm",
    .help =
        "Normalizes all features of every sample (of a sequence: of every step) to a mean of 0 "
        "and a deviation of 1, then scales and shifts each by what it learns (Ba et al., 2016).",
    .keys = layer_norm_keys,
    .key_count = sizeof layer_norm_keys / sizeof *layer_norm_keys,
    .defaults = &layer_norm_defaults,
    .config_size = sizeof(row_norm_config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_layer_norm,
};

static bool plan_rms_norm(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                          dg_error *err) {
  const row_norm_config *c = given;
  const dg_shape *in = &site->in[0];
  char text[64];
  if (in->rank > 2)
    return dg_fail(err, DG_ERR_INPUT, "needs [features] or [steps, features], but \"%s\" gives %s",
                   site->in_names[0], dg_shape_text(in, text, sizeof text));
  const dg_shape row = {1, {in->dim[in->rank - 1]}};
  plan->out = *in;
  plan->steps = (dg_steps_rule){.use = DG_STEPS_APART, .keeps_zeros = true};
  plan->op = (dg_op_desc){.kind = DG_OP_RMS_NORM,
                          .layer_norm = {.rows = in->rank == 2 ? in->dim[0] : 1,
                                         .count = row.dim[0],
                                         .eps = (float)c->eps}};
  plan->params = 1;
  plan->param[0] = numbers("weight", &row, DG_INIT_ONE);
  return true;
}

const dg_layer_class dg_layer_rms_norm = {
    .type = "rms_norm",
    .help = "Divides the features (of a sequence: of every step) by the root of their mean square, "
            "then scales each by what it learns (Zhang and Sennrich, 2019).",
    .keys = rms_norm_keys,
    .key_count = sizeof rms_norm_keys / sizeof *rms_norm_keys,
    .defaults = &rms_norm_defaults,
    .config_size = sizeof(row_norm_config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_rms_norm,
};

/* ---- group_norm and instance_norm --------------------------------------- */

typedef struct {
  uint32_t groups; /* 0: as many as channels */
  double eps;
  bool affine;
} group_norm_config;

static const group_norm_config group_norm_defaults = {.eps = 1e-5, .affine = true},
                               instance_norm_defaults = {.eps = 1e-5};

#define EPS_AND_AFFINE                                                                             \
  {.name = "eps",                                                                                  \
   .type = DG_KEY_NUMBER,                                                                          \
   .offset = offsetof(group_norm_config, eps),                                                     \
   .above_low = true,                                                                              \
   .high = 1,                                                                                      \
   .help = "added to the variance"},                                                               \
      {.name = "affine",                                                                           \
       .type = DG_KEY_BOOL,                                                                        \
       .offset = offsetof(group_norm_config, affine),                                              \
       .help = "scale and shift every channel by what it learns"},

static const dg_key group_norm_keys[] = {
    {.name = "groups",
     .type = DG_KEY_COUNT,
     .offset = offsetof(group_norm_config, groups),
     .low = 1,
     .high = 1 << 20,
     .required = true,
     .help = "groups of adjacent channels, each normalized by itself"},
    EPS_AND_AFFINE};

static const dg_key instance_norm_keys[] = {EPS_AND_AFFINE};

static bool plan_group_norm(const void *given, const dg_layer_site *site, dg_layer_plan *plan,
                            dg_error *err) {
  const group_norm_config *c = given;
  const dg_shape *in = &site->in[0];
  dg_group_norm_desc d = {.rows = 1, .plane = 1, .eps = (float)c->eps, .affine = c->affine};
  if (in->rank == 1) d.channels = in->dim[0];
  if (in->rank == 2) d.rows = in->dim[0], d.channels = in->dim[1];
  if (in->rank == 3) d.channels = in->dim[0], d.plane = in->dim[1] * in->dim[2];
  d.groups = c->groups ? c->groups : d.channels;
  const dg_shape channels = {1, {d.channels}};
  if (d.channels % d.groups != 0)
    return dg_fail(err, DG_ERR_INPUT, "%u groups don't divide the %u channels of \"%s\"", d.groups,
                   d.channels, site->in_names[0]);
  if (d.rows == 1 && d.plane == 1 && d.channels == d.groups)
    return dg_fail(err, DG_ERR_INPUT,
                   "every group of \"%s\" would be a single number, which normalizes to 0; take "
                   "fewer groups",
                   site->in_names[0]);
  plan->out = *in;
  plan->op = (dg_op_desc){.kind = DG_OP_GROUP_NORM, .group_norm = d};
  if (c->affine) scale_and_shift(plan, &channels);
  return true;
}

const dg_layer_class dg_layer_group_norm = {
    .type = "group_norm",
    .help =
        "Normalizes every sample's groups of channels (of an image) or features (of a sequence: "
        "over all steps) to a mean of 0 and a deviation of 1, then scales and shifts each "
        "channel by what it learns (Wu and He, 2018).",
    .keys = group_norm_keys,
    .key_count = sizeof group_norm_keys / sizeof *group_norm_keys,
    .defaults = &group_norm_defaults,
    .config_size = sizeof(group_norm_config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_group_norm,
};

const dg_layer_class dg_layer_instance_norm = {
    .type = "instance_norm",
    .help = "Normalizes every channel of every sample by itself, as group_norm with as many groups "
            "as channels (Ulyanov et al., 2016).",
    .keys = instance_norm_keys,
    .key_count = sizeof instance_norm_keys / sizeof *instance_norm_keys,
    .defaults = &instance_norm_defaults,
    .config_size = sizeof(group_norm_config),
    .min_inputs = 1,
    .max_inputs = 1,
    .plan = plan_group_norm,
};
