#include "core/layers/layer.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

const char *const dg_init_names[] = {"pytorch", "he", "glorot", NULL};

/** Suggests a layer to put between two layers of different rank. */
static const char *rank_remedy(uint32_t needs, uint32_t gives) {
  if (needs == 2)
    return gives == 3
               ? "; put a rows layer between them"
               : "; steps come from an image through a rows layer, or from a recurrent layer "
                 "with output = \"sequence\"";
  return gives == 2
             ? "; put it before rows or columns, or take what reads steps: conv1d, maxpool1d, "
               "or flatten with order = \"chw\""
             : "; put it where there still is an image";
}

bool dg_layer_needs_rank(const dg_layer_site *site, uint32_t rank, dg_error *err) {
  static const char *const names[] = {"", "", "[steps, features]", "[channels, height, width]"};
  const dg_shape *in = &site->in[0];
  if (in->rank == rank) return true;
  char shape[64];
  return dg_fail(err, DG_ERR_INPUT, "needs %s, but \"%s\" gives %s%s", names[rank],
                 site->in_names[0], dg_shape_text(in, shape, sizeof shape),
                 rank_remedy(rank, in->rank));
}

void dg_layer_weights(dg_layer_plan *plan, dg_init_kind init, bool bias, uint32_t rank,
                      const uint32_t *dim, uint64_t fan_in, uint64_t fan_out) {
  dg_param_spec weight = {
      .suffix = "weight", .rank = rank, .init = init, .fan_in = fan_in, .fan_out = fan_out};
  memcpy(weight.dim, dim, rank * sizeof *dim);
  plan->params = bias ? 2 : 1;
  plan->param[0] = weight;
  if (!bias) return;
  plan->param[1] = (dg_param_spec){.suffix = "bias",
                                   .rank = 1,
                                   .dim = {dim[0]},
                                   .init = init,
                                   .bias = true,
                                   .fan_in = fan_in,
                                   .fan_out = fan_out};
}

dg_axis dg_axis_of(const dg_shape *shape, uint32_t first, uint32_t last) {
  dg_axis axis = {1, 1, 1};
  for (uint32_t k = 0; k < shape->rank; k++)
    *(k < first ? &axis.outer : k > last ? &axis.inner : &axis.count) *= shape->dim[k];
  return axis;
}

bool dg_layer_dim(const char *name, int32_t given, const dg_layer_site *site, uint32_t *dim,
                  dg_error *err) {
  const int32_t rank = (int32_t)site->in[0].rank;
  char shape[64];
  if (given >= rank || given < -rank)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s = %d is no dimension of \"%s\", which gives %s: they are 0 to %d, or -1 for "
                   "the last to -%d",
                   name, given, site->in_names[0], dg_shape_text(&site->in[0], shape, sizeof shape),
                   rank - 1, rank);
  *dim = (uint32_t)(given < 0 ? given + rank : given);
  return true;
}

bool dg_shape_fits(const dg_shape *shape, dg_error *err) {
  char text[64];
  return dg_size_fits(dg_shape_count(shape)) ||
         dg_fail(err, DG_ERR_INPUT, "a sample of %s would have more than %d numbers",
                 dg_shape_text(shape, text, sizeof text), DG_SIZE_NUMBERS);
}

bool dg_layer_fail_kernel(const dg_layer_site *site, const uint32_t *kernel, const uint32_t *begin,
                          const uint32_t *end, dg_error *err) {
  const bool image = site->in[0].rank == 3;
  const bool even = begin[0] == end[0] && (!image || begin[1] == end[1]);
  char size[32], padding[64], shape[64];
  if (image) {
    snprintf(size, sizeof size, "%ux%u", kernel[0], kernel[1]);
    snprintf(padding, sizeof padding, even ? "[%u, %u]" : "[%u, %u, %u, %u]", begin[0], begin[1],
             end[0], end[1]);
  } else {
    snprintf(size, sizeof size, "%u steps", kernel[0]);
    snprintf(padding, sizeof padding, even ? "%u" : "[%u, %u]", begin[0], end[0]);
  }
  return dg_fail(
      err, DG_ERR_INPUT,
      "a kernel of %s with padding %s does not fit into \"%s\", which gives %s; make the "
      "kernel smaller or the padding larger",
      size, padding, site->in_names[0], dg_shape_text(&site->in[0], shape, sizeof shape));
}

void dg_same_padding(uint32_t size, uint32_t kernel, uint32_t stride, uint32_t dilation,
                     uint32_t *begin, uint32_t *end) {
  const uint64_t reach = (uint64_t)dilation * (kernel - 1) + 1;
  const uint64_t steps = ((uint64_t)size + stride - 1) / stride;
  const uint64_t needed = (steps - 1) * stride + reach;
  const uint32_t missing = needed > size ? (uint32_t)(needed - size) : 0;
  *begin = missing / 2;
  *end = missing - missing / 2;
}

bool dg_layer_check_groups(const dg_layer_site *site, uint32_t channels, uint32_t filters,
                           uint32_t groups, dg_error *err) {
  if (channels % groups == 0 && filters % groups == 0) return true;
  return dg_fail(err, DG_ERR_INPUT,
                 "%u groups don't divide both the %u channels of \"%s\" and the %u filters", groups,
                 channels, site->in_names[0], filters);
}
