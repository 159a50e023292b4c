/** The groups `optimizer` and `schedule`: each type has keys of its own. */
#include <libconfig.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/model/model.h"

#define KEY(recipe, field, ...)                                                                    \
  { .name = #field, .offset = offsetof(recipe, field), __VA_ARGS__ }
#define OPT(field, ...) KEY(dg_optimizer_recipe, field, .type = DG_KEY_NUMBER, __VA_ARGS__)
#define LR OPT(lr, .above_low = true, .help = "learning rate")
#define MOMENTUM                                                                                   \
  OPT(momentum, .high = 1, .below_high = true, .help = "share of the last update that is kept")
#define WEIGHT_DECAY OPT(weight_decay, .help = "share of the weights that is subtracted")

static const dg_key sgd_keys[] = {
    LR,
    MOMENTUM,
    KEY(dg_optimizer_recipe, nesterov, .type = DG_KEY_BOOL, .help = "look ahead by the momentum"),
    WEIGHT_DECAY,
};
static const dg_key adam_keys[] = {
    LR,
    OPT(beta1, .high = 1, .below_high = true, .help = "decay of the mean of gradients"),
    OPT(beta2, .high = 1, .below_high = true, .help = "decay of the mean of their squares"),
    OPT(eps, .above_low = true, .help = "added to the denominator"),
    WEIGHT_DECAY,
};
static const dg_key adadelta_keys[] = {
    LR,
    OPT(rho, .high = 1, .below_high = true, .help = "decay of the means of squares"),
    OPT(eps, .above_low = true, .help = "added under the roots"),
    WEIGHT_DECAY,
};
static const dg_key rmsprop_keys[] = {
    LR,
    OPT(alpha, .high = 1, .below_high = true, .help = "decay of the means"),
    OPT(eps, .above_low = true, .help = "added to the denominator"),
    MOMENTUM,
    KEY(dg_optimizer_recipe, centered, .type = DG_KEY_BOOL,
        .help = "divide by the deviation of gradients, not by their root mean square"),
    WEIGHT_DECAY,
};

static const dg_optimizer_recipe sgd = {.kind = DG_SGD, .lr = 1e-3};
static const dg_optimizer_recipe adam = {
    .kind = DG_ADAM, .lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
static const dg_optimizer_recipe adamw = {.kind = DG_ADAM,
                                          .decoupled = true,
                                          .lr = 1e-3,
                                          .beta1 = 0.9,
                                          .beta2 = 0.999,
                                          .eps = 1e-8,
                                          .weight_decay = 1e-2};
static const dg_optimizer_recipe adadelta = {
    .kind = DG_ADADELTA, .lr = 1.0, .rho = 0.9, .eps = 1e-6};
static const dg_optimizer_recipe rmsprop = {
    .kind = DG_RMSPROP, .lr = 1e-2, .alpha = 0.99, .eps = 1e-8};

/* adam, the second, is the default type */
static const char *const optimizer_names[] = {"sgd", "adam", "adamw", "adadelta", "rmsprop"};
static const dg_key_table optimizers[] = {
    DG_KEY_TABLE("optimizer \"sgd\"", sgd_keys, sgd),
    DG_KEY_TABLE("optimizer \"adam\"", adam_keys, adam),
    DG_KEY_TABLE("optimizer \"adamw\"", adam_keys, adamw),
    DG_KEY_TABLE("optimizer \"adadelta\"", adadelta_keys, adadelta),
    DG_KEY_TABLE("optimizer \"rmsprop\"", rmsprop_keys, rmsprop),
};

#define SCHED(field, ...) KEY(dg_schedule_recipe, field, .type = DG_KEY_NUMBER, __VA_ARGS__)
#define GAMMA SCHED(gamma, .above_low = true, .high = 1, .help = "factor of the learning rate")

static const dg_key constant_keys[] = {{0}};
static const dg_key step_keys[] = {
    GAMMA,
    KEY(dg_schedule_recipe, every, .type = DG_KEY_COUNT, .low = 1,
        .help = "epochs from one factor to the next"),
};
static const dg_key exponential_keys[] = {GAMMA};
static const dg_key cosine_keys[] = {SCHED(min, .help = "learning rate at the end")};
static const dg_key one_cycle_keys[] = {
    SCHED(warmup, .above_low = true, .high = 1, .below_high = true,
          .help = "share of the steps in which the learning rate rises"),
    SCHED(div, .low = 1, .help = "the first learning rate is lr / div"),
    SCHED(final_div, .low = 1, .help = "the last one is lr / div / final_div"),
};

static const dg_schedule_recipe constant = {.kind = DG_SCHEDULE_CONSTANT};
static const dg_schedule_recipe step = {.kind = DG_SCHEDULE_STEP, .gamma = 0.1, .every = 10};
static const dg_schedule_recipe exponential = {.kind = DG_SCHEDULE_EXPONENTIAL, .gamma = 0.9};
static const dg_schedule_recipe cosine = {.kind = DG_SCHEDULE_COSINE};
static const dg_schedule_recipe one_cycle = {
    .kind = DG_SCHEDULE_ONE_CYCLE, .warmup = 0.3, .div = 25, .final_div = 1e4};

static const char *const schedule_names[] = {"constant", "step", "exponential", "cosine",
                                             "one_cycle"};
static const dg_key_table schedules[] = {
    {.what = "schedule \"constant\"",
     .keys = constant_keys,
     .defaults = &constant,
     .size = sizeof constant},
    DG_KEY_TABLE("schedule \"step\"", step_keys, step),
    DG_KEY_TABLE("schedule \"exponential\"", exponential_keys, exponential),
    DG_KEY_TABLE("schedule \"cosine\"", cosine_keys, cosine),
    DG_KEY_TABLE("schedule \"one_cycle\"", one_cycle_keys, one_cycle),
};

/** Reads a group by the table of its `type`; without a type, by the table `fallback`. */
static bool read_by_type(const config_setting_t *group, const char *what, const char *const *names,
                         const dg_key_table *tables, size_t count, size_t fallback, void *out,
                         dg_error *err) {
  static const char *const also[] = {"type"};
  const config_setting_t *setting = config_setting_get_member(group, "type");
  if (!setting) return dg_keys_read(group, &tables[fallback], also, 1, out, err);
  const char *type = config_setting_get_string(setting);
  if (!type) return dg_fail_at(err, setting, "type must be a word in quotes");
  for (size_t i = 0; i < count; i++)
    if (strcmp(names[i], type) == 0) return dg_keys_read(group, &tables[i], also, 1, out, err);
  return dg_fail_unknown(err, setting, what, type, "", names, count);
}

bool dg_read_optimizer(const config_setting_t *group, dg_optimizer_recipe *out, dg_error *err) {
  if (!read_by_type(group, "optimizer", optimizer_names, optimizers,
                    sizeof optimizers / sizeof *optimizers, 1, out, err))
    return false;
  if (out->nesterov && out->momentum == 0.0)
    return dg_fail_at(err, group, "nesterov needs a momentum above 0");
  return true;
}

bool dg_read_schedule(const config_setting_t *group, dg_schedule_recipe *out, dg_error *err) {
  return read_by_type(group, "schedule", schedule_names, schedules,
                      sizeof schedules / sizeof *schedules, 0, out, err);
}
