/** What the network is joined to at its ends: where batches come from, and the loss. */
#include <stdlib.h>

#include "core/training/trainer.h"

static bool open_gather(dg_trainer *t, dg_ends *ends, dg_buffer *input, dg_error *err) {
  const dg_samples *samples = &t->data->train;
  const dg_gather_desc desc = dg_gather_describe(t->model, samples->height, samples->width);
  const dg_gather_options options = {
      .max_n = dg_network_samples(t->network), .x = input, .train = true, .labels = true};
  return dg_gather_open(&ends->gather, t->device, &desc, &options, err);
}

static bool open_loss(dg_trainer *t, dg_ends *ends, const dg_network_ends *of, dg_error *err) {
  dg_op_desc desc = {.kind = DG_OP_LOSS,
                     .exact = t->model->train.exact,
                     .loss = {.kind = (dg_loss_kind)t->model->loss,
                              .classes = dg_network_outputs(t->network),
                              .smoothing = (float)t->model->train.label_smoothing}};
  if (!dg_bound_prepare(&ends->loss, t->device, "loss", &desc, dg_network_samples(t->network), true,
                        err))
    return false;
  dg_op_buffers *b = &ends->loss.buffers;
  b->in[0] = of->output;
  b->in[1] = ends->gather.labels;
  b->out[0] = of->d_output;
  b->out[1] = t->metrics.losses;
  b->out[2] = t->metrics.correct;
  return true;
}

bool dg_trainer_open_ends(dg_trainer *t, dg_error *err) {
  t->instances = dg_network_instances(t->network);
  t->ends = calloc(t->instances, sizeof *t->ends);
  if (!t->ends) return dg_fail_memory(err, t->instances * sizeof *t->ends);
  for (uint32_t i = 0; i < t->instances; i++) {
    const dg_network_ends of = dg_network_ends_of(t->network, i);
    if (!open_gather(t, &t->ends[i], of.input, err) || !open_loss(t, &t->ends[i], &of, err))
      return false;
  }
  return true;
}

void dg_trainer_close_ends(dg_trainer *t) {
  for (uint32_t i = 0; t->ends && i < t->instances; i++) {
    dg_gather_close(&t->ends[i].gather);
    dg_bound_release(&t->ends[i].loss);
  }
  free(t->ends);
}

void dg_trainer_gather_from(dg_trainer *t, const dg_source *source) {
  for (uint32_t i = 0; i < t->instances; i++) dg_gather_from(&t->ends[i].gather, source);
}
