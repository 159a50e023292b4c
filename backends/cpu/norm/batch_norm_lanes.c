#include "backends/cpu/norm/batch_norm_lanes.h"

enum { LANES = DG_NORM_LANES };

dg_norm_group dg_batch_norm_group_at(const dg_batch_norm_desc *d, uint32_t n, size_t channel) {
  size_t left = d->channels - channel, size = dg_batch_norm_group_size(d);
  size_t channels = left < size ? left : size;
  return (dg_norm_group){.first = channel * d->plane,
                         .runs = (size_t)n * d->rows,
                         .length = channels * d->plane,
                         .step = (size_t)d->channels * d->plane,
                         .channels = channels};
}

/** Copies the values of a group's channels to their lanes; that of a single channel to all
    lanes. */
static void broadcast(const dg_norm_group *g, const float *of_channels, float *lanes) {
  if (g->channels == 1)
    for (size_t i = 0; i < LANES; i++) lanes[i] = of_channels[0];
  else
    for (size_t i = 0; i < LANES; i++) lanes[i] = i < g->channels ? of_channels[i] : 0;
}

void dg_batch_norm_broadcast(const dg_norm_group *g, const dg_op_buffers *buffers, size_t channel,
                             dg_batch_norm_statistics of, dg_batch_norm_lanes *l) {
  broadcast(g, of.mean, l->mean);
  broadcast(g, of.mean_low, l->mean_low);
  broadcast(g, of.scale, l->scale);
  broadcast(g, dg_floats(buffers->param[0]) + channel, l->factor);
  broadcast(g, dg_floats(buffers->param[1]) + channel, l->bias);
  for (size_t k = 0; k < LANES; k++) {
    l->factor[k] *= l->scale[k];
    l->bias[k] -= l->mean_low[k] * l->factor[k];
  }
}
