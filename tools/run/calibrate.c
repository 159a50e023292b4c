#include "tools/run/calibrate.h"

#include <stdio.h>

#include "core/base/error.h"
#include "tools/common/say.h"
#include "tools/run/run_model.h"

enum { SHARE = 6 }; /* a sixth of the images is set aside for the second network */

/** A trainer with its model. */
typedef struct {
  dg_model *model;
  dg_trainer *trainer;
} learner;

static void learner_close(learner *l) {
  dg_trainer_free(l->trainer);
  dg_model_free(l->model);
}

static bool learner_open(learner *l, const calibrate_job *job, const options *o, dg_error *err) {
  const dg_trainer_options how = {.size = sizeof(dg_trainer_options),
                                  .seed = o->seed,
                                  .listener = job->listener,
                                  .data_memory = o->data_memory};
  *l = (learner){.model = run_model_load(o, NULL, err)};
  if (l->model) l->trainer = dg_trainer_new(l->model, job->device, job->data, &how, err);
  if (!l->trainer) learner_close(l);
  return l->trainer != NULL;
}

/** Fits the temperature of the weights themselves. */
static bool fit_weights(const calibrate_job *job, dg_trainer *trainer, double *temperature,
                        dg_error *err) {
  const options *o = job->options;
  if (!o->quiet)
    say("fit     on the %u images that seed %u sets aside to validate\n",
        dg_trainer_validation_samples(trainer), o->seed);
  if (!dg_trainer_load(trainer, o->load, err) || !dg_trainer_calibrate(trainer, err)) return false;
  *temperature = dg_trainer_temperature(trainer);
  return true;
}

/** Trains a second network, which also fits its temperature. */
static bool train_second(const calibrate_job *job, dg_trainer *trainer, double *temperature,
                         dg_error *err) {
  if (!job->options->quiet)
    say("fit     the recipe sets no images aside to validate: trains a second network on %u, and "
        "fits its temperature on %u\n",
        dg_trainer_train_samples(trainer), dg_trainer_validation_samples(trainer));
  fflush(stdout);
  if (!dg_trainer_train(trainer, err)) return false;
  *temperature = dg_trainer_temperature(trainer);
  return *temperature > 0 || dg_trainer_calibrate(trainer, err); /* says why there is none */
}

/** Fits the temperature of a second network, trained by the same recipe. */
static bool fit_second(const calibrate_job *job, double *temperature, dg_error *err) {
  options held = *job->options;
  learner l;
  char count[16];
  uint32_t all = dg_dataset_train_samples(job->data);
  snprintf(count, sizeof count, "%u", all < SHARE ? 1 : all / SHARE);
  if (!options_override(&held, (dg_override){"--calibrate", "data.validation", count}, err) ||
      !learner_open(&l, job, &held, err))
    return false;
  bool ok = train_second(job, l.trainer, temperature, err);
  learner_close(&l);
  return ok;
}

bool calibrate_fit(const calibrate_job *job, double *temperature, dg_error *err) {
  learner l;
  if (!learner_open(&l, job, job->options, err)) return false;
  bool held_out = dg_trainer_validation_samples(l.trainer) > 0;
  bool ok = !held_out || fit_weights(job, l.trainer, temperature, err);
  learner_close(&l);
  return ok && (held_out || fit_second(job, temperature, err));
}

bool calibrate_keep_names(const options *o, dg_dataset *data, dg_error *err) {
  dg_classes names;
  if (!dg_classes_from_weights(&names, o->load, err)) return false;
  return !names.count || dg_dataset_classes(data)->count ||
         dg_dataset_set_classes(data, &names, o->load, err);
}
