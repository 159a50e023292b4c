/**
 * A thread goes through its share of the samples a block at a time: the block's tiles become
 * moments, the moments are multiplied, the products become planes, all within the thread's cache.
 */
#include "backends/cpu/conv2d/winograd/conv2d_winograd.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/conv2d/winograd/winograd_pass.h"

static bool fits(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n, bool train) {
  (void)device, (void)max_n, (void)train;
  return dg_wino_is_faster(&desc->conv2d);
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  dg_wino_plan *p = op->plan = malloc(sizeof *p);
  if (!p) return dg_fail_memory(err, sizeof *p);
  *p = dg_wino_forward_plan(&op->desc.conv2d, op->max_n);
  size_t threads = (size_t)op->device->threads, packed = op->train ? p->weights : 0;
  op->needs.workspace = (p->shared + threads * p->layout.end + packed) * sizeof(float);
  return op->train || dg_cpu_keep_packing(op, p->weights, err);
}

/* ---- a block, or a sample that is shared ------------------------------- */

/** A forward pass, as its threads share it. */
typedef struct {
  const dg_cpu_op *op;
  const dg_op_buffers *buffers;
  const dg_step *step;
  float *panels;   /**< moments of the weights */
  float *products; /**< of one sample that threads share, for all filters */
  float *rooms;    /**< for every thread */
} pass;

static dg_wino_room room_of(const pass *f, size_t thread) {
  const dg_wino_plan *p = f->op->plan;
  return (dg_wino_room){&p->layout, f->rooms + thread * p->layout.end};
}

/** What becomes of the moments of `samples` samples from `first` of the step on; `r`: theirs. */
static dg_wino_correlation correlation_of(const pass *f, const dg_wino_room *r, size_t first,
                                          size_t samples) {
  const dg_wino_plan *p = f->op->plan;
  bool apart = dg_conv_ending_sums(&p->ending) > 0;
  size_t out = p->forward.filters * dg_conv_ending_plane(&p->ending);
  const float *bias = f->op->desc.conv2d.bias ? dg_floats(f->buffers->param[1]) : NULL;
  return (dg_wino_correlation){
      .w = &p->forward,
      .samples = samples,
      .moments = r->base + p->layout.moments,
      .panels = f->panels,
      .ending = dg_conv_ending_first(&p->ending, bias),
      .out = apart ? r->base + p->layout.sums : dg_floats(f->buffers->out[0]) + first * out,
      .of_planes = dg_conv_ending_moments(f->op, f->buffers, f->step, first)};
}

/** Brings some planes of sample `s` of the step to their end. */
static void end_planes(const pass *f, const dg_wino_room *r, size_t s, dg_span planes,
                       const float *sums) {
  const dg_wino_plan *p = f->op->plan;
  size_t at = s * p->forward.filters * dg_conv_ending_plane(&p->ending);
  const dg_buffer *kept = f->step->train ? f->buffers->kept : NULL;
  dg_conv_ending_put(&p->ending, f->step, s, planes, sums, r->base + p->layout.ending,
                     dg_floats(f->buffers->out[0]) + at, kept ? (uint8_t *)kept->data + at : NULL);
}

/** The samples of a block, from `first` of the step on. */
static void forward_block(const pass *f, const dg_wino_room *r, size_t first, size_t samples) {
  const dg_wino_plan *p = f->op->plan;
  const dg_wino *w = &p->forward;
  size_t in = w->channels * w->in_h * w->in_w, made = w->filters * w->out_h * w->out_w;
  dg_wino_correlation k = correlation_of(f, r, first, samples);
  dg_wino_all_input_moments(p, r, samples, dg_floats(f->buffers->in[0]) + first * in);
  dg_wino_correlate_all(&k, r);
  for (size_t s = 0; s < samples; s++)
    end_planes(f, r, first + s, dg_conv_ending_planes(&p->ending), k.out + s * made);
}

/** Fewer samples than threads, which share each: its channels, moments, filters, and planes. */
static void forward_shared(const pass *f, const dg_wino_room *r) {
  const dg_wino_plan *p = f->op->plan;
  const dg_wino *w = &p->forward;
  size_t in = w->channels * w->in_h * w->in_w, tiles = dg_wino_tiles(w);
  const dg_wino_room common = room_of(f, 0);
  size_t parts = w->channels / DG_VECTOR < (size_t)omp_get_num_threads() ? 2 : 1;
  for (size_t s = 0; s < f->step->n; s++) {
    const dg_wino_correlation k = correlation_of(f, &common, s, 1);
#pragma omp for schedule(static)
    for (size_t i = 0; i < w->channels / DG_VECTOR * parts; i++)
      dg_wino_input_moments(p, r, 1, 0, i / parts * DG_VECTOR,
                            dg_cpu_part(dg_wino_tiles_h(w), parts, i % parts),
                            dg_floats(f->buffers->in[0]) + s * in, common.base + p->layout.moments);
#pragma omp for schedule(static)
    for (size_t i = 0; i < DG_WINO_MOMENTS; i++)
      for (size_t panel = 0; panel < w->filters; panel += DG_TILE_WIDTH)
        dg_wino_correlate(w, tiles, (dg_span){i, i + 1}, k.moments, k.panels, panel,
                          f->products + panel * tiles * DG_WINO_MOMENTS);
#pragma omp for schedule(static)
    for (size_t v = 0; v < w->filters; v += DG_VECTOR) {
      size_t panel = v - v % DG_TILE_WIDTH;
      dg_wino_end_vector(&k, r, f->products + panel * tiles * DG_WINO_MOMENTS, panel, 0, v - panel);
    }
#pragma omp for schedule(static)
    for (size_t v = 0; v < w->filters; v += DG_VECTOR)
      end_planes(f, r, s, (dg_span){v, v + DG_VECTOR}, k.out);
  }
}

static void run(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_wino_plan *p = op->plan;
  const dg_wino *w = &p->forward;
  size_t taps = w->kernel * w->kernel, work = step->n * w->out_h * w->out_w * taps * w->filters;
  dg_wino_weights weights = {dg_floats(buffers->param[0]), taps, w->channels * taps, false};
  bool pack;
  float *workspace = dg_floats(buffers->workspace);
  float *panels = dg_cpu_packed(op, buffers, workspace, &pack);
  float *products = workspace + (op->train ? p->weights : 0);
  const pass f = {op, buffers, step, panels, products, products + p->shared};
#pragma omp parallel num_threads(dg_cpu_threads(op->device, work))
  {
    dg_wino_room r = room_of(&f, (size_t)omp_get_thread_num());
    memset(r.base + p->layout.image, 0, dg_wino_image_floats(&p->image) * sizeof *r.base);
    if (pack) {
#pragma omp for schedule(static)
      for (size_t filter = 0; filter < w->filters; filter += DG_TILE_WIDTH)
        dg_wino_pack(w, &weights, filter, panels + filter * dg_wino_depth(w) * DG_WINO_MOMENTS);
    }
    if ((size_t)omp_get_num_threads() > step->n) {
      forward_shared(&f, &r);
    } else {
      dg_span share = dg_cpu_share(step->n, 1);
      for (size_t s = share.begin, samples; s < share.end; s += samples) {
        samples = dg_wino_block_of(p, share, s);
        forward_block(&f, &r, s, samples);
      }
    }
  }
}

const dg_cpu_implementation dg_conv_winograd_forward = {"winograd", fits, prepare, run};
