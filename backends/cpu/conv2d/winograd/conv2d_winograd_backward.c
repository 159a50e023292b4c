/**
 * Backward adds up the gradients of the weights' moments, each thread its own; in the end the
 * threads' sums are added in the threads' order and turned into the gradients of the weights.
 */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/conv2d/winograd/conv2d_winograd.h"
#include "backends/cpu/conv2d/winograd/winograd_pass.h"
#include "backends/cpu/elementwise/sum.h"

/** Pieces of a kernel would make too many moments on the way back. */
static bool fits(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n, bool train) {
  (void)device, (void)max_n, (void)train;
  dg_wino w = {.kernel = desc->conv2d.kernel_h};
  return dg_wino_is_faster(&desc->conv2d) && dg_wino_pieces(&w) == 1;
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  dg_wino_plan *p = op->plan = malloc(sizeof *p);
  if (!p) return dg_fail_memory(err, sizeof *p);
  *p = dg_wino_backward_plan(&op->desc.conv2d, op->max_n, op->desc.d_in[0] != DG_GRAD_NONE);
  size_t threads = (size_t)op->device->threads;
  op->needs =
      (dg_direction_needs){.workspace = (p->back_weights + threads * p->layout.end) * sizeof(float),
                           .kept = dg_conv_ending_kept(&p->ending, op->max_n),
                           .reads_in = true,
                           .reads_out = dg_conv_ending_changes(&p->ending)};
  return true;
}

/** DG_VECTOR planes of one sample's output, as backward reads them; NULL where not needed. */
typedef struct {
  size_t filter;
  const float *y, *d_y;
  const uint8_t *kept;
} planes;

/** Brings the gradient of the sums into its image, and adds it up for the bias. */
static void fill_gradient(const dg_cpu_op *op, const dg_wino_room *r, const planes *from) {
  const dg_wino_plan *p = op->plan;
  size_t plane = p->forward.out_h * p->forward.out_w, out = dg_conv_ending_plane(&p->ending);
  float *made = r->base + r->at->d_z;
  double *d_bias = (double *)(void *)(r->base + r->at->d_bias);
  bool changes = dg_conv_ending_changes(&p->ending);
  const float *d_z = changes ? made : from->d_y;
  for (size_t c = 0; c < DG_VECTOR; c++) {
    if (changes)
      dg_conv_ending_spread(&p->ending, from->y + c * out, from->d_y + c * out,
                            from->kept ? from->kept + c * out : NULL, r->base + r->at->ending,
                            made + c * plane);
    if (op->desc.conv2d.bias) d_bias[from->filter + c] += dg_sum(plane, d_z + c * plane);
  }
  dg_wino_fill(&p->d_image, p->forward.out_h, p->forward.out_w, d_z, r->base + r->at->d_image);
}

/** The gradient's tiles of the output, as gradients of its moments. */
static void spread(const dg_wino_plan *p, const dg_wino_room *r, size_t step, size_t width,
                   float *d_out) {
  const dg_wino *w = &p->forward;
  size_t side = dg_wino_side(w), line = p->d_image.columns * DG_VECTOR;
  const float *image =
      r->base + r->at->d_image + p->d_image.top * line + p->d_image.left * DG_VECTOR;
  for (size_t y = 0; y < dg_wino_tiles_h(w); y++)
    for (size_t x = 0; x < dg_wino_tiles_w(w); x++, d_out += width)
      dg_wino_spread(side, image + y * side * line + x * side * DG_VECTOR, line, d_out, step);
}

static void backward_block(const dg_cpu_op *op, const dg_wino_room *r, const float *panels,
                           const dg_conv_chunk *c) {
  const dg_wino_plan *p = op->plan;
  const dg_wino *w = &p->forward, *b = &p->back;
  size_t tiles = dg_wino_tiles(w), back_tiles = dg_wino_tiles(b), depth = dg_wino_depth(b),
         plane = dg_conv_ending_plane(&p->ending);
  float *products = r->base + r->at->products, *d_moments = r->base + r->at->d_moments;
  dg_wino_all_input_moments(p, r, c->samples, c->x);
  for (size_t f = 0; f < w->filters; f += DG_TILE_WIDTH) {
    size_t width = dg_panel_width(dg_panel_columns(w->filters - f));
    for (size_t i = 0; i < c->samples * width; i += DG_VECTOR) {
      size_t s = i / width, v = i % width, at = (s * w->filters + f + v) * plane;
      fill_gradient(op, r,
                    &(planes){.filter = f + v,
                              .y = c->y ? c->y + at : NULL,
                              .d_y = c->d_y + at,
                              .kept = c->kept ? c->kept + at : NULL});
      spread(p, r, c->samples * tiles * width, width, products + s * tiles * width + v);
      if (c->dx)
        dg_wino_moments(b, &p->d_image, dg_wino_rows(b), r->base + r->at->d_image,
                        d_moments + s * back_tiles * depth + f + v, c->samples * back_tiles * depth,
                        depth);
    }
    dg_wino_add_kernels(w, c->samples * tiles, r->base + r->at->moments, products, f,
                        r->base + r->at->d_weights);
  }
  if (c->dx)
    dg_wino_correlate_all(&(dg_wino_correlation){.w = b,
                                                 .samples = c->samples,
                                                 .moments = d_moments,
                                                 .panels = panels,
                                                 .ending = {.add = op->desc.d_in[0] == DG_GRAD_ADD},
                                                 .out = c->dx},
                          r);
}

static void clear(const dg_wino_plan *p, const dg_wino_room *r) {
  memset(r->base + r->at->image, 0, dg_wino_image_floats(&p->image) * sizeof *r->base);
  memset(r->base + r->at->d_image, 0, dg_wino_image_floats(&p->d_image) * sizeof *r->base);
  memset(r->base + r->at->d_weights, 0, (r->at->end - r->at->d_weights) * sizeof *r->base);
}

/** The threads' sums, for a vector of filters. */
static void put_parameters(const dg_wino_plan *p, const dg_wino_room *r, float *rooms,
                           size_t filter, float *d_weight, float *d_bias) {
  size_t threads = (size_t)omp_get_num_threads();
  dg_wino_put_kernels(&p->forward, threads, rooms + p->layout.d_weights, p->layout.end, filter,
                      r->base + r->at->moments, d_weight);
  for (size_t f = filter; f < (d_bias ? filter + DG_VECTOR : 0); f++) {
    double sum = 0;
    for (size_t t = 0; t < threads; t++)
      sum += ((double *)(void *)(rooms + t * p->layout.end + p->layout.d_bias))[f];
    d_bias[f] = (float)sum;
  }
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_conv2d_desc *d = &op->desc.conv2d;
  const dg_wino_plan *p = op->plan;
  const dg_wino *w = &p->forward;
  size_t in = w->channels * w->in_h * w->in_w, taps = w->kernel * w->kernel;
  size_t out = w->filters * dg_conv_ending_plane(&p->ending);
  size_t work = step->n * w->out_h * w->out_w * taps * w->filters;
  dg_wino_weights weights = {dg_floats(buffers->param[0]), w->channels * taps, taps, true};
  const float *x = dg_floats(buffers->in[0]), *d_y = dg_floats(buffers->d_out);
  const float *y = op->needs.reads_out ? dg_floats(buffers->out[0]) : NULL;
  const uint8_t *kept = buffers->kept ? (const uint8_t *)buffers->kept->data : NULL;
  float *dx = p->back_weights ? dg_floats(buffers->d_in[0]) : NULL;
  float *panels = dg_floats(buffers->workspace), *rooms = panels + p->back_weights;
#pragma omp parallel num_threads(dg_cpu_threads(op->device, work))
  {
    dg_wino_room r = {&p->layout, rooms + (size_t)omp_get_thread_num() * p->layout.end};
    clear(p, &r);
#pragma omp for schedule(static)
    for (size_t c = 0; c < (dx ? w->channels : 0); c += DG_TILE_WIDTH)
      dg_wino_pack(&p->back, &weights, c, panels + c * dg_wino_depth(&p->back) * DG_WINO_MOMENTS);
    dg_span share = dg_cpu_share(step->n, 1);
    for (size_t s = share.begin, samples; s < share.end; s += samples) {
      samples = dg_wino_block_of(p, share, s);
      backward_block(op, &r, panels,
                     &(dg_conv_chunk){.samples = samples,
                                      .x = x + s * in,
                                      .y = y ? y + s * out : NULL,
                                      .d_y = d_y + s * out,
                                      .kept = kept ? kept + s * out : NULL,
                                      .dx = dx ? dx + s * in : NULL});
    }
#pragma omp barrier
#pragma omp for schedule(static)
    for (size_t f = 0; f < w->filters; f += DG_VECTOR)
      put_parameters(p, &r, rooms, f, dg_floats(buffers->d_param[0]),
                     d->bias ? dg_floats(buffers->d_param[1]) : NULL);
  }
}

const dg_cpu_implementation dg_conv_winograd_backward = {"winograd", fits, prepare, run};
