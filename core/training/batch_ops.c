/** The ops around the network: gather, which loads its batches, and loss. */
#include <stdlib.h>

#include "core/training/trainer.h"

static bool learns_input(const dg_trainer *t) {
  return t->model->target == DG_TARGET_INPUT;
}

static bool open_gather(dg_trainer *t, dg_batch_ops *ops, const dg_network_io *io, dg_error *err) {
  const dg_sample_kind kind = dg_trainer_kind(t);
  const dg_gather_desc desc = dg_gather_describe(t->model, &kind);
  float *norms = desc.per_channel ? dg_gather_norms(t->model, &desc, err) : NULL;
  const dg_gather_options options = {.max_n = dg_network_samples(t->network),
                                     .x = io->input,
                                     .lengths = io->lengths,
                                     .train = true,
                                     .targets = !learns_input(t),
                                     .norms = norms};
  bool ok =
      (norms || !desc.per_channel) && dg_gather_open(&ops->gather, t->device, &desc, &options, err);
  free(norms);
  return ok;
}

static dg_loss_desc loss_of(const dg_trainer *t) {
  return (dg_loss_desc){.kind = (dg_loss_kind)t->model->loss,
                        .outputs = dg_network_outputs(t->network),
                        .targets = learns_input(t) || t->data->train.kind.targets,
                        .weighted = t->class_weights,
                        .smoothing = (float)t->model->train.label_smoothing,
                        .delta = (float)t->model->huber_delta};
}

static bool open_loss(dg_trainer *t, dg_batch_ops *ops, const dg_network_io *io, dg_error *err) {
  dg_op_desc desc = {.kind = DG_OP_LOSS, .exact = t->model->train.exact, .loss = loss_of(t)};
  if (!dg_bound_prepare(&ops->loss, t->device, "loss", &desc, dg_network_samples(t->network), true,
                        err))
    return false;
  dg_op_buffers *b = &ops->loss.buffers;
  b->in[0] = io->output;
  b->in[1] = learns_input(t) ? io->input : ops->gather.targets;
  b->in[2] = t->class_weights;
  b->out[0] = io->d_output;
  b->out[1] = t->metrics.losses;
  b->out[2] = t->metrics.correct;
  return true;
}

bool dg_trainer_open_batch_ops(dg_trainer *t, dg_error *err) {
  t->instances = dg_network_instances(t->network);
  t->batch_ops = calloc(t->instances, sizeof *t->batch_ops);
  if (!t->batch_ops) return dg_fail_memory(err, t->instances * sizeof *t->batch_ops);
  for (uint32_t i = 0; i < t->instances; i++) {
    const dg_network_io io = dg_network_io_of(t->network, i);
    if (!open_gather(t, &t->batch_ops[i], &io, err) || !open_loss(t, &t->batch_ops[i], &io, err))
      return false;
  }
  return true;
}

void dg_trainer_close_batch_ops(dg_trainer *t) {
  for (uint32_t i = 0; t->batch_ops && i < t->instances; i++) {
    dg_gather_close(&t->batch_ops[i].gather);
    dg_bound_release(&t->batch_ops[i].loss);
  }
  free(t->batch_ops);
}

void dg_trainer_gather_from(dg_trainer *t, const dg_source *source) {
  for (uint32_t i = 0; i < t->instances; i++) dg_gather_from(&t->batch_ops[i].gather, source);
}
