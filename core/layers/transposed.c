#include "core/layers/transposed.h"

static uint32_t reach_of(const dg_transposed *t) {
  return t->dilation * (t->kernel - 1) + 1; /* a key is at most 4096 */
}

void dg_transposed_same(dg_transposed *t) {
  const uint32_t reach = reach_of(t), cut = reach > t->stride ? reach - t->stride : 0;
  t->begin = cut / 2;
  t->end = cut - cut / 2;
  t->output_padding = reach < t->stride ? t->stride - reach : 0;
}

bool dg_transposed_fit(const dg_transposed *t, uint32_t size, const dg_layer_site *site,
                       uint32_t *out, dg_error *err) {
  const uint64_t full = (uint64_t)(size - 1) * t->stride + reach_of(t) + t->output_padding;
  const uint64_t cut = (uint64_t)t->begin + t->end;
  char shape[64];
  if (t->output_padding >= t->stride)
    return dg_fail(err, DG_ERR_INPUT,
                   "output_padding = %u is not below the stride of %u; make it smaller",
                   t->output_padding, t->stride);
  if (full <= cut)
    return dg_fail(err, DG_ERR_INPUT,
                   "padding [%u, %u] leaves nothing of what \"%s\" of %s becomes; make it smaller",
                   t->begin, t->end, site->in_names[0],
                   dg_shape_text(&site->in[0], shape, sizeof shape));
  if (!dg_size_fits(full - cut))
    return dg_fail(err, DG_ERR_INPUT,
                   "\"%s\" of %s would get more than %d numbers in a line; make the stride smaller",
                   site->in_names[0], dg_shape_text(&site->in[0], shape, sizeof shape),
                   DG_SIZE_NUMBERS);
  *out = (uint32_t)(full - cut);
  return true;
}

void dg_transposed_weights(dg_layer_plan *plan, dg_init_kind init, bool bias, uint32_t rank,
                           const uint32_t *dim, uint32_t groups) {
  uint64_t taps = 1;
  for (uint32_t i = 2; i < rank; i++) taps = dg_size_times(taps, dim[i]);
  dg_layer_weights(plan, init, bias, rank, dim, dg_size_times(dim[1], taps),
                   dg_size_times(dim[0], taps));
  if (bias) plan->param[1].dim[0] = dim[1] * groups;
}
