/*
 * Tuning: each parameter has some jobs (tune_job.c) and choices, of which the first is the default.
 * All are built, and must give the same bits; then they are timed in rounds, and the best time of
 * each counts. Choice number i of all parameters goes into one program, so few programs are built.
 */
#include "backends/opencl/tune/tune.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/opencl/tune/tune_job.h"
#include "core/base/clock.h"

enum { ROUNDS = 6, FINAL_ROUNDS = 12 };

/* Seconds after which no further round of a parameter starts, for slow devices. */
static const double patience = 4;

/* The speedup that a choice needs to replace the default, since measured times vary; and its
   largest slowdown on a single job, since a network can have many such layers. */
static const double least_gain = 1.03, most_loss = 1.05;

typedef struct {
  dg_cl_device *device;
  dg_cl_tuning tuning; /* the current choices */
  dg_cl_task *tasks;   /* [dg_cl_job_count] */
  char faults[DG_CL_PARAMETERS][DG_CL_MOST_CHOICES][96];
  size_t chosen[DG_CL_PARAMETERS];
} tuner;

static size_t choices_of(const tuner *t, int parameter) {
  size_t count;
  if (parameter == DG_CL_CHOOSE_LINEAR) return t->device->usual_blast == DG_CL_BLAST_LARGE ? 2 : 0;
  dg_cl_tile_choices(t->device, parameter, &count);
  return count;
}

/* Sets the device to a parameter's choice; the other tiles are those with the same number, or the
   defaults. */
static void set_choice(tuner *t, int parameter, size_t choice) {
  dg_cl_device *device = t->device;
  if (choice == DG_CL_CHOSEN || parameter == DG_CL_CHOOSE_LINEAR) {
    memcpy(device->tiles, t->tuning.tiles, sizeof device->tiles);
    device->blast = choice == 0 ? device->usual_blast : DG_CL_BLAST_NEVER;
    return;
  }
  for (int i = 0; i < DG_CL_TILED; i++) {
    size_t count;
    const dg_cl_tile *tiles = dg_cl_tile_choices(device, i, &count);
    device->tiles[i] = tiles[choice < count ? choice : 0];
  }
  device->blast = DG_CL_BLAST_NEVER;
}

/* ---- a parameter -------------------------------------------------------- */

/* Records why a choice is excluded; false for the default, which is needed for the comparison. */
static bool leave_out(tuner *t, int parameter, size_t choice, const char *fault) {
  snprintf(t->faults[parameter][choice], sizeof **t->faults, "%.95s", fault);
  return choice > 0;
}

static bool is_out(const tuner *t, int parameter, size_t choice) {
  return t->faults[parameter][choice][0];
}

/* Prepares the ops of all choices for the jobs of a parameter, and allocates their memory. */
static bool open_parameter(tuner *t, int parameter, dg_error *err) {
  for (size_t j = 0; j < dg_cl_job_count; j++) {
    dg_cl_task *task = &t->tasks[j];
    if (dg_cl_jobs[j].parameter != parameter) continue;
    task->job = &dg_cl_jobs[j];
    for (size_t i = 0; i < choices_of(t, parameter); i++) {
      dg_error fault = {0};
      set_choice(t, parameter, i);
      if (is_out(t, parameter, i) || dg_cl_task_prepare(t->device, task, i, &fault)) continue;
      if (!leave_out(t, parameter, i, fault.message)) return *err = fault, false;
    }
    if (!dg_cl_task_open(t->device, task, err)) return false;
  }
  return true;
}

/* Does a choice run, and give the same bits? Products by CLBlast are summed in another order. */
static bool check_choice(tuner *t, dg_cl_task *task, int parameter, size_t choice, dg_error *err) {
  dg_error fault = {0};
  bool same = true;
  set_choice(t, parameter, choice);
  if (!dg_cl_task_check(t->device, task, choice, &same, &fault))
    return leave_out(t, parameter, choice, fault.message) || (*err = fault, false);
  if (!same && parameter != DG_CL_CHOOSE_LINEAR)
    leave_out(t, parameter, choice, "its results have other bits");
  return true;
}

static bool time_choice(tuner *t, dg_cl_task *task, int parameter, size_t choice, dg_error *err) {
  dg_error fault = {0};
  set_choice(t, parameter, choice);
  return dg_cl_task_time(t->device, task, choice, &fault) ||
         leave_out(t, parameter, choice, fault.message) || (*err = fault, false);
}

/* Checks all choices of a parameter, or times each once on all jobs. */
static bool for_choices(tuner *t, int parameter,
                        bool (*call)(tuner *, dg_cl_task *, int, size_t, dg_error *),
                        dg_error *err) {
  for (size_t j = 0; j < dg_cl_job_count; j++)
    for (size_t i = 0; dg_cl_jobs[j].parameter == parameter && i < choices_of(t, parameter); i++)
      if (!is_out(t, parameter, i) && !call(t, &t->tasks[j], parameter, i, err)) return false;
  return true;
}

/* Operations per second of a choice: the geometric mean over the jobs. */
static double rate_of(const tuner *t, int parameter, size_t choice) {
  double logs = 0, jobs = 0;
  for (size_t j = 0; j < dg_cl_job_count; j++) {
    if (dg_cl_jobs[j].parameter != parameter) continue;
    logs += log(t->tasks[j].operations / t->tasks[j].best[choice]);
    jobs++;
  }
  return exp(logs / jobs);
}

/* Is a choice too slow on one of the jobs to be chosen? */
static bool is_slow(const tuner *t, int parameter, size_t choice) {
  for (size_t j = 0; j < dg_cl_job_count; j++)
    if (dg_cl_jobs[j].parameter == parameter &&
        t->tasks[j].best[choice] > most_loss * t->tasks[j].best[0])
      return true;
  return false;
}

/* The fastest choice, or the default if the speedup is too small. */
static size_t fastest(const tuner *t, int parameter, double gain) {
  size_t best = 0;
  for (size_t i = 1; i < choices_of(t, parameter); i++) {
    if (is_out(t, parameter, i) || is_slow(t, parameter, i)) continue;
    if (rate_of(t, parameter, i) > (best ? 1 : gain) * rate_of(t, parameter, best)) best = i;
  }
  return best;
}

/* The fastest and the default are timed more often than the others, to reduce the effect of
   noise. */
static bool measure(tuner *t, int parameter, dg_error *err) {
  const double end = dg_seconds() + patience;
  for (int round = 0; round < ROUNDS && (round == 0 || dg_seconds() < end); round++)
    if (!for_choices(t, parameter, time_choice, err)) return false;
  const size_t best = fastest(t, parameter, 1);
  for (int round = 0; best > 0 && round < FINAL_ROUNDS && dg_seconds() < end; round++)
    for (size_t j = 0; j < dg_cl_job_count; j++)
      if (dg_cl_jobs[j].parameter == parameter &&
          (!time_choice(t, &t->tasks[j], parameter, 0, err) ||
           !time_choice(t, &t->tasks[j], parameter, best, err)))
        return false;
  return true;
}

static bool tune_parameter(tuner *t, int parameter, dg_error *err) {
  if (choices_of(t, parameter) == 0) return true;
  if (!open_parameter(t, parameter, err) || !for_choices(t, parameter, check_choice, err) ||
      !measure(t, parameter, err))
    return false;
  t->chosen[parameter] = fastest(t, parameter, least_gain);
  size_t count;
  if (parameter == DG_CL_CHOOSE_LINEAR)
    t->tuning.own_linear = (uint32_t)t->chosen[parameter];
  else
    t->tuning.tiles[parameter] =
        dg_cl_tile_choices(t->device, parameter, &count)[t->chosen[parameter]];
  return true;
}

/* ---- all parameters ----------------------------------------------------- */

static void write_trials(const tuner *t, dg_trial *out, size_t capacity, size_t *count) {
  *count = 0;
  for (int c = 0; c < DG_CL_PARAMETERS; c++) {
    for (size_t i = 0, tiles; i < choices_of(t, c); i++, ++*count) {
      if (*count >= capacity) continue;
      dg_trial *trial = &out[*count];
      *trial = (dg_trial){.by_default = i == 0, .chosen = i == t->chosen[c]};
      memcpy(trial->fault, t->faults[c][i], sizeof trial->fault);
      if (!*trial->fault) trial->operations = rate_of(t, c, i);
      const bool linear = c == DG_CL_CHOOSE_LINEAR;
      snprintf(trial->kernel, sizeof trial->kernel, "%s", linear ? "linear" : dg_cl_tiled_name(c));
      if (linear)
        snprintf(trial->tile, sizeof trial->tile, "%s", i == 0 ? "CLBlast" : "inner and outer");
      else
        dg_cl_tile_text(dg_cl_tile_choices(t->device, c, &tiles)[i], trial->tile);
    }
  }
}

/* Builds all choices together, and checks that they give the same bits too. */
static bool check_chosen(tuner *t, dg_error *err) {
  for (size_t j = 0; j < dg_cl_job_count; j++) {
    dg_cl_task *task = &t->tasks[j];
    bool same = true;
    if (!task->expected || task->job->parameter == DG_CL_CHOOSE_LINEAR) continue;
    set_choice(t, task->job->parameter, DG_CL_CHOSEN);
    if (!dg_cl_task_prepare(t->device, task, DG_CL_CHOSEN, err) ||
        !dg_cl_task_check(t->device, task, DG_CL_CHOSEN, &same, err))
      return false;
    if (!same)
      return dg_fail(err, DG_ERR_RUNTIME,
                     "on %s the tiles that were chosen come to other results together than alone; "
                     "nothing was kept",
                     t->device->base.info.name);
  }
  return true;
}

bool dg_cl_tune(dg_device *base, dg_trial *out, size_t capacity, size_t *count, bool *kept,
                dg_error *err) {
  dg_cl_device *device = (dg_cl_device *)base;
  tuner t = {.device = device};
  t.tuning = dg_cl_tuning_default(device);
  t.tasks = calloc(dg_cl_job_count, sizeof *t.tasks);
  if (!t.tasks) return dg_fail_memory(err, dg_cl_job_count * sizeof *t.tasks);
  bool ok = true;
  for (int c = 0; ok && c < DG_CL_PARAMETERS; c++) ok = tune_parameter(&t, c, err);
  ok = ok && check_chosen(&t, err);
  if (ok) write_trials(&t, out, capacity, count);
  for (size_t j = 0; j < dg_cl_job_count; j++) dg_cl_task_close(device, &t.tasks[j]);
  free(t.tasks);
  if (!ok) t.tuning = dg_cl_tuning_default(device);
  dg_cl_tuning_use(device, &t.tuning);
  if (ok) *kept = dg_cl_tuning_keep(device, &t.tuning);
  return ok;
}
