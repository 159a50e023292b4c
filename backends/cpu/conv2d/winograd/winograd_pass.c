#include "backends/cpu/conv2d/winograd/winograd_pass.h"

#include "backends/cpu/conv2d/plane_statistics.h"
#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/gemm/pack.h"

void dg_wino_transform_channels(const dg_wino_plan *p, const dg_wino_scratch *r, size_t samples,
                                size_t s, size_t c, dg_span rows, const float *x,
                                float *transformed) {
  const dg_wino *w = &p->forward;
  size_t tiles = dg_wino_tiles(w), plane = w->in_h * w->in_w, depth = dg_wino_depth(w);
  float *image = r->base + r->at->image;
  dg_wino_fill(&p->image, w->in_h, w->in_w, x + (s * w->channels + c) * plane, image);
  dg_wino_transform_rows(w, &p->image, rows, image, transformed + s * tiles * depth + c,
                         samples * tiles * depth, depth);
}

void dg_wino_transform_samples(const dg_wino_plan *p, const dg_wino_scratch *r, size_t samples,
                               const float *x) {
  for (size_t s = 0; s < samples; s++)
    for (size_t c = 0; c < p->forward.channels; c += DG_VECTOR)
      dg_wino_transform_channels(p, r, samples, s, c, dg_wino_rows(&p->forward), x,
                                 r->base + r->at->transformed);
}

/** Turns products of a panel into DG_VECTOR planes of one sample. */
static void store_planes(const dg_wino *w, const dg_wino_scratch *r, const float *products,
                         size_t step, size_t width, bool add, float *out) {
  float *pixels = r->base + r->at->pixels, *transposed = r->base + r->at->transposed;
  size_t side = dg_wino_side(w), line = dg_wino_tiles_w(w) * side * DG_VECTOR;
  for (size_t y = 0; y < dg_wino_tiles_h(w); y++)
    for (size_t x = 0; x < dg_wino_tiles_w(w); x++, products += width)
      dg_wino_output_transform(side, products, step,
                               pixels + y * side * line + x * side * DG_VECTOR, line);
  size_t plane = w->out_h * w->out_w;
  for (size_t y = 0; y < w->out_h; y++) {
    float *to = out + y * w->out_w;
    dg_transpose(w->out_w, DG_VECTOR, pixels + y * line, DG_VECTOR, add ? transposed : to,
                 add ? w->out_w : plane);
    for (size_t c = 0; c < (add ? DG_VECTOR : 0); c++)
      dg_grad_store(DG_GRAD_ADD, w->out_w, transposed + c * w->out_w, to + c * plane);
  }
}

void dg_wino_finish_vector(const dg_wino_correlation *k, const dg_wino_scratch *r,
                           const float *products, size_t f, size_t s, size_t v) {
  const dg_wino *w = k->w;
  const dg_gemm_epilogue *e = &k->epilogue;
  size_t tiles = dg_wino_tiles(w), plane = w->out_h * w->out_w;
  size_t width = dg_panel_width(dg_panel_columns(w->filters - f));
  float *to = k->out + (s * w->filters + f + v) * plane;
  store_planes(w, r, products + s * tiles * width + v, k->samples * tiles * width, width, e->add,
               to);
  for (size_t c = 0; c < (e->bias ? DG_VECTOR : 0); c++)
    for (size_t pixel = 0; pixel < plane; pixel++) to[c * plane + pixel] += e->bias[f + v + c];
  dg_act_forward(e->act, DG_VECTOR * plane, to, to);
  if (k->of_planes)
    dg_plane_statistics(DG_VECTOR, plane, to, k->of_planes + 2 * (s * w->filters + f + v));
}

/** Runs the panel of filters from `f` on. */
static void correlate_panel(const dg_wino_correlation *k, const dg_wino_scratch *r, size_t f) {
  const dg_wino *w = k->w;
  float *products = r->base + r->at->products;
  size_t width = dg_panel_width(dg_panel_columns(w->filters - f));
  dg_wino_correlate(w, k->samples * dg_wino_tiles(w), dg_wino_all(), k->transformed, k->panels, f,
                    products);
  for (size_t i = 0; i < k->samples * width; i += DG_VECTOR)
    dg_wino_finish_vector(k, r, products, f, i / width, i % width);
}

void dg_wino_correlate_all(const dg_wino_correlation *k, const dg_wino_scratch *r) {
  for (size_t f = 0; f < k->w->filters; f += DG_TILE_WIDTH) correlate_panel(k, r, f);
}
