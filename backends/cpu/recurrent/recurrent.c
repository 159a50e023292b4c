#include "backends/cpu/recurrent/recurrent_pass.h"

#include <stdlib.h>
#include <string.h>

#include "backends/cpu/recurrent/recurrent_groups.h"
#include "backends/cpu/recurrent/recurrent_one.h"
#include "core/base/size.h"

static bool supports(const dg_op_desc *desc) {
  const dg_recurrent_desc *d = &desc->recurrent;
  return (unsigned)d->cell <= DG_CELL_LSTM && d->steps > 0 && d->in > 0 && d->hidden > 0 &&
         d->biases <= 2;
}

static dg_recurrent_pass pass_of(const dg_cpu_op *op, const dg_recurrent_plan *plan,
                                 const dg_op_buffers *buffers, size_t samples, bool keep) {
  return (dg_recurrent_pass){.op = op,
                             .desc = &op->desc.recurrent,
                             .plan = plan,
                             .buffers = buffers,
                             .samples = samples,
                             .groups = dg_recurrent_groups(op, samples, keep)};
}

/* ---- forward of a network in training ----------------------------------- */

/** Parameters are packed anew in every run. */
static bool prepare_train(dg_cpu_op *op, dg_error *err) {
  const dg_recurrent_desc *d = &op->desc.recurrent;
  dg_recurrent_plan *plan = op->plan = malloc(sizeof *plan);
  if (!plan) return dg_fail_memory(err, sizeof *plan);
  *plan = dg_recurrent_plan_of(d, op->max_n);
  size_t workers = (size_t)op->device->threads;
  op->needs.workspace =
      (dg_recurrent_groups_packed(d, plan) + workers * dg_recurrent_groups_worker(d, plan)) *
      sizeof(float);
  return true;
}

static void run_train(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_recurrent_desc *d = &op->desc.recurrent;
  const dg_recurrent_plan *plan = op->plan;
  float *packed = dg_floats(buffers->workspace);
  float *scratch = packed + dg_recurrent_groups_packed(d, plan);
  dg_recurrent_pass pass = pass_of(op, plan, buffers, step->n, step->train);
  for (; pass.direction < dg_recurrent_directions(d); pass.direction++)
    dg_recurrent_groups_forward(&pass, step->train, true, packed, scratch);
}

/* ---- forward of a network that isn't trained ---------------------------- */

/** Packed parameters are cached, and one sample has an implementation of its own. */
typedef struct {
  dg_recurrent_plan shape;
  size_t group_packed, one_packed; /**< floats of a direction's packed parameters */
  bool group_ready, one_ready;     /**< are they packed? */
  dg_team *team;                   /**< lies in the same block */
} test_plan;

static bool only_tests(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n,
                       bool train) {
  (void)device, (void)desc, (void)max_n;
  return !train;
}

static bool prepare_test(dg_cpu_op *op, dg_error *err) {
  const dg_recurrent_desc *d = &op->desc.recurrent;
  dg_recurrent_plan shape = dg_recurrent_plan_of(d, op->max_n);
  size_t of_plan = dg_size_round_up(sizeof(test_plan), DG_CPU_ALIGNMENT);
  size_t of_team = dg_team_bytes(dg_recurrent_one_ranks(d, &shape));
  test_plan *plan = op->plan = aligned_alloc(DG_CPU_ALIGNMENT, of_plan + of_team);
  if (!plan) return dg_fail_memory(err, of_plan + of_team);
  *plan = (test_plan){.shape = shape,
                      .group_packed = dg_recurrent_groups_packed(d, &shape),
                      .one_packed = dg_recurrent_one_packed(d, &shape),
                      .team = (dg_team *)(void *)((char *)plan + of_plan)};
  memset(plan->team, 0, of_team);
  size_t groups = (size_t)op->device->threads * dg_recurrent_groups_worker(d, &shape);
  size_t one = dg_recurrent_one_workspace(d, &shape), directions = dg_recurrent_directions(d);
  op->needs.workspace = (one > groups ? one : groups) * sizeof(float);
  return dg_cpu_keep_prepacked(op, directions * (plan->group_packed + plan->one_packed), err);
}

static void run_test(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  test_plan *plan = op->plan;
  float *workspace = dg_floats(buffers->workspace);
  bool pack, one = step->n == 1;
  float *packed = dg_cpu_packed(op, buffers, workspace, &pack);
  if (pack) plan->group_ready = plan->one_ready = false;
  dg_recurrent_pass pass = pass_of(op, &plan->shape, buffers, step->n, false);
  for (; pass.direction < dg_recurrent_directions(pass.desc); pass.direction++) {
    float *kept = packed + pass.direction * (plan->group_packed + plan->one_packed);
    if (one)
      dg_recurrent_one_forward(&pass, plan->team, !plan->one_ready, kept + plan->group_packed,
                               workspace);
    else
      dg_recurrent_groups_forward(&pass, false, !plan->group_ready, kept, workspace);
  }
  *(one ? &plan->one_ready : &plan->group_ready) = true;
}

static const dg_cpu_implementation forward_of_test = {"kept_weights", only_tests, prepare_test,
                                                      run_test},
                                   forward_by_groups = {"groups", NULL, prepare_train, run_train};

const dg_cpu_family DG_ISA_NAME(dg_cpu_recurrent) = {
    supports, {&forward_of_test, &forward_by_groups}, {&dg_recurrent_backward}};
