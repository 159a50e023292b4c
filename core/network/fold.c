/**
 * A network that only tests runs no batch norm behind a product: with the running statistics it is
 * a scale and a shift of every filter, which the product's own weights and bias can take along
 * (Jacob et al., arXiv:1712.05877, 3.2). The parameters stay as they are; the folded ones lie in a
 * buffer of their own and are made anew whenever parameters are written.
 */
#include <math.h>
#include <stdlib.h>

#include "core/network/internal.h"
#include "core/op/fuse.h"

/** Gives a product that can take it a bias and the norm's activation; `channels` are its filters.
 */
static bool extend_product(dg_op_desc *product, const dg_batch_norm_desc *norm,
                           uint32_t *channels) {
  const dg_op_desc act = {.kind = DG_OP_ACTIVATION, .activation = {norm->channels, norm->act}};
  if (!dg_op_fuse(product, &act) || !dg_op_add_bias(product)) return false;
  *channels = (uint32_t)dg_op_sizes_of(product).param[1];
  return true;
}

static size_t add_floats(dg_network *network, uint32_t count) {
  size_t offset = network->folded_floats;
  network->folded_floats += dg_network_aligned(network, count);
  return offset;
}

/** Folds node `i`, a batch norm, into the product before it if that is possible. */
static bool fold_norm(dg_network *network, uint32_t i) {
  const dg_node *norm = &network->nodes[i];
  if (norm->plan.op.kind != DG_OP_BATCH_NORM) return false;
  dg_node *product = dg_network_before(network, i);
  if (!product) return false;
  dg_op_desc extended = product->plan.op;
  const dg_batch_norm_desc *d = &norm->plan.op.batch_norm;
  uint32_t channels;
  if (!extend_product(&extended, d, &channels) || channels != d->channels ||
      !network->device->calls->supports(network->device, &extended))
    return false;
  const dg_param *weight = &network->params[product->first_param];
  network->folds[network->fold_count++] =
      (dg_fold){.node = (uint32_t)(product - network->nodes),
                .weight = weight,
                .bias = product->plan.params > 1 ? weight + 1 : NULL,
                .scale = &network->params[norm->first_param],
                .running = &network->params[norm->first_state],
                .eps = d->eps,
                .weight_offset = add_floats(network, weight->count),
                .bias_offset = add_floats(network, channels)};
  product->plan.op = extended;
  dg_network_fuse_into(network, i);
  return true;
}

bool dg_network_fold(dg_network *network, dg_error *err) {
  network->folds = calloc(network->node_count, sizeof *network->folds);
  if (!network->folds) return dg_fail_memory(err, network->node_count * sizeof *network->folds);
  dg_network_fuse_nodes(network, fold_norm);
  return true;
}

bool dg_network_fold_bind(dg_network *network, dg_error *err) {
  const dg_device_calls *calls = network->device->calls;
  if (network->fold_count == 0) return true;
  network->folded = calls->buffer_new(network->device, network->folded_floats * sizeof(float), err);
  if (!network->folded) return false;
  for (uint32_t i = 0; i < network->fold_count; i++) {
    dg_fold *f = &network->folds[i];
    f->views[0] = calls->buffer_view(network->folded, f->weight_offset * sizeof(float),
                                     f->weight->count * sizeof(float), err);
    f->views[1] = calls->buffer_view(network->folded, f->bias_offset * sizeof(float),
                                     f->scale->count * sizeof(float), err);
    if (!f->views[0] || !f->views[1]) return false;
    for (int k = 0; k < 2; k++) network->nodes[f->node].forward.param[k] = f->views[k];
  }
  return true;
}

/** weight' = weight s and bias' = shift + (bias - mean) s, where s = scale / sqrt(var + eps). */
static void fold_values(const dg_fold *f, const float *values, float *folded) {
  const float *weight = values + f->weight->offset,
              *bias = f->bias ? values + f->bias->offset : NULL;
  const float *scale = values + f->scale[0].offset, *shift = values + f->scale[1].offset;
  const float *mean = values + f->running[0].offset, *var = values + f->running[1].offset;
  size_t channels = f->scale->count, fan_in = f->weight->count / channels;
  for (size_t c = 0; c < channels; c++) {
    double s = (double)scale[c] / sqrt((double)var[c] + (double)f->eps);
    double before = bias ? (double)bias[c] : 0;
    folded[f->bias_offset + c] = (float)((double)shift[c] + (before - (double)mean[c]) * s);
    for (size_t i = c * fan_in; i < (c + 1) * fan_in; i++)
      folded[f->weight_offset + i] = (float)((double)weight[i] * s);
  }
}

bool dg_network_fold_write(dg_network *network, const float *values, dg_error *err) {
  if (network->fold_count == 0) return true;
  size_t bytes = network->folded_floats * sizeof(float);
  float *folded = calloc(1, bytes);
  if (!folded) return dg_fail_memory(err, bytes);
  for (uint32_t i = 0; i < network->fold_count; i++)
    fold_values(&network->folds[i], values, folded);
  bool right = network->device->calls->write(network->folded, 0, folded, bytes, err);
  free(folded);
  return right;
}

void dg_network_fold_release(dg_network *network) {
  const dg_device_calls *calls = network->device->calls;
  for (uint32_t i = 0; i < network->fold_count; i++)
    for (int k = 0; k < 2; k++) calls->buffer_free(network->folds[i].views[k]);
  calls->buffer_free(network->folded);
  free(network->folds);
}
