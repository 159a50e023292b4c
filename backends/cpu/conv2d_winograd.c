/**
 * A thread goes through its share of the samples a block at a time: the block's tiles become
 * moments, the moments are multiplied, the products become planes, all within the thread's cache.
 * Backward adds up the gradients of the weights' moments, each thread its own; in the end the
 * threads' sums are added in the threads' order and turned into the gradients of the weights.
 */
#include "backends/cpu/conv2d_winograd.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/activation.h"
#include "backends/cpu/conv2d_ending.h"
#include "backends/cpu/moments.h"
#include "backends/cpu/panel.h"
#include "backends/cpu/sum.h"
#include "backends/cpu/winograd.h"

/** Where the parts of a thread's workspace begin, in floats, and where they end. */
typedef struct {
  size_t image;    /**< a vector of channels of a sample's input */
  size_t moments;  /**< of a block's input */
  size_t products; /**< moments of a block's results, a panel of channels */
  size_t pixels;   /**< a vector of channels of a sample's result */
  size_t turned;   /**< one row of them as planes */
  size_t ending;   /**< for dg_conv_ending_put and _spread */
  size_t sums;     /**< of a block, where the ending wants them apart from the output */
  /* backward alone */
  size_t d_z;       /**< gradient before the activation, a vector of channels of a sample */
  size_t d_image;   /**< the same as an image */
  size_t d_moments; /**< of a block, for the gradient of the input */
  size_t d_weights; /**< gradients of the weights' moments */
  size_t d_bias;    /**< doubles */
  size_t end;
} layout;

typedef struct {
  dg_wino forward, back;        /**< to the output; from its gradient to the input's */
  dg_wino_image image, d_image; /**< of the input; of the gradient before the activation */
  dg_conv_ending ending;
  size_t block;                 /**< samples of a block */
  size_t weights, back_weights; /**< floats of moments common to all threads */
  size_t shared;                /**< floats of all products of a sample */
  layout to, from;              /**< forward's and backward's workspace of a thread */
} wino_plan;

bool dg_conv_winograd_is_faster(const dg_conv2d_desc *d) {
  if (d->kernel_h != d->kernel_w) return false;
  if (d->kernel_h != 3 && d->kernel_h != 5 && d->kernel_h != 7) return false;
  if (d->stride_h != 1 || d->stride_w != 1 || d->pad_h != d->pad_w || d->pad_h >= d->kernel_h)
    return false;
  bool squashes = d->act.kind == DG_ACT_SIGMOID || d->act.kind == DG_ACT_TANH;
  if (squashes) return false; /* errors would be large beside results between -1 and 1 */
  if (d->channels % DG_VECTOR || d->filters % DG_VECTOR || d->channels < 16) return false;
  size_t out_h = dg_window_out(d->height, d->kernel_h, 1, d->pad_h);
  size_t out_w = dg_window_out(d->width, d->kernel_w, 1, d->pad_w);
  dg_wino w = {.channels = 1, .out_h = out_h, .out_w = out_w, .kernel = d->kernel_h};
  size_t products = dg_wino_tiles(&w) * dg_wino_depth(&w) * DG_WINO_MOMENTS;
  return 2 * products <= w.kernel * w.kernel * out_h * out_w;
}

bool dg_conv_winograd_goes_back(const dg_conv2d_desc *d) {
  dg_wino w = {.kernel = d->kernel_h};
  return dg_wino_pieces(&w) == 1;
}

/* ---- the plan ----------------------------------------------------------- */

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

/** An image from which all tiles of a correlation can be read. */
static dg_wino_image image_of(const dg_wino *w) {
  size_t side = dg_wino_side(w), border = dg_wino_pieces(w) * dg_wino_piece(w) - 1;
  return (dg_wino_image){.top = w->pad,
                         .left = w->pad,
                         .rows = dg_wino_tiles_h(w) * side + border,
                         .columns = dg_wino_tiles_w(w) * side + border};
}

/** The same for the output's gradient, with the tiles of the output inside it too. */
static dg_wino_image gradient_image_of(const dg_wino *forward, const dg_wino *back) {
  dg_wino_image image = image_of(back);
  size_t side = dg_wino_side(forward);
  image.rows = larger(image.rows, image.top + dg_wino_tiles_h(forward) * side);
  image.columns = larger(image.columns, image.left + dg_wino_tiles_w(forward) * side);
  return image;
}

static size_t image_floats(const dg_wino_image *image) {
  return image->rows * image->columns * DG_VECTOR;
}

/** Floats of the results of a sample's tiles. */
static size_t pixel_floats(const dg_wino *w) {
  return dg_wino_tiles(w) * dg_wino_side(w) * dg_wino_side(w) * DG_VECTOR;
}

/** The next `floats` of a workspace that ends at `end` so far. */
static size_t take(size_t *end, size_t floats) {
  size_t begin = *end;
  *end += dg_round_up(floats);
  return begin;
}

static layout forward_layout(const wino_plan *p) {
  const dg_wino *w = &p->forward;
  size_t tiles = p->block * dg_wino_tiles(w);
  layout l = {0};
  l.image = take(&l.end, image_floats(&p->image));
  l.moments = take(&l.end, tiles * DG_WINO_MOMENTS * dg_wino_depth(w));
  l.products = take(&l.end, tiles * DG_WINO_MOMENTS * DG_TILE_WIDTH);
  l.pixels = take(&l.end, pixel_floats(w));
  l.turned = take(&l.end, DG_VECTOR * w->out_w);
  l.ending = take(&l.end, dg_conv_ending_room(&p->ending));
  l.sums = take(&l.end, p->block * dg_conv_ending_sums(&p->ending));
  return l;
}

static layout backward_layout(const wino_plan *p) {
  const dg_wino *w = &p->forward, *b = &p->back;
  size_t tiles = p->block * dg_wino_tiles(w), back_tiles = p->block * dg_wino_tiles(b);
  size_t kernels = w->channels * w->kernel * w->kernel * DG_VECTOR;
  layout l = {0};
  l.image = take(&l.end, image_floats(&p->image));
  l.moments = take(&l.end, larger(tiles * DG_WINO_MOMENTS * dg_wino_depth(w), kernels));
  l.products = take(&l.end, larger(tiles, back_tiles) * DG_WINO_MOMENTS * DG_TILE_WIDTH);
  l.pixels = take(&l.end, pixel_floats(b));
  l.turned = take(&l.end, DG_VECTOR * b->out_w);
  l.ending = take(&l.end, dg_conv_ending_room(&p->ending));
  l.d_z = take(&l.end, dg_conv_ending_changes(&p->ending)
                           ? DG_VECTOR * w->out_h * w->out_w + dg_conv_ending_slack(&p->ending)
                           : 0);
  l.d_image = take(&l.end, image_floats(&p->d_image));
  l.d_moments = take(&l.end, p->back_weights ? back_tiles * DG_WINO_MOMENTS * dg_wino_depth(b) : 0);
  l.d_weights = take(&l.end, p->weights);
  l.d_bias = take(&l.end, w->filters * sizeof(double) / sizeof(float));
  return l;
}

static wino_plan plan_of(const dg_conv2d_desc *d, uint32_t max_n, bool d_in) {
  enum { MANY_TILES = 32 };
  dg_wino w = {.channels = d->channels,
               .filters = d->filters,
               .in_h = d->height,
               .in_w = d->width,
               .out_h = dg_window_out(d->height, d->kernel_h, 1, d->pad_h),
               .out_w = dg_window_out(d->width, d->kernel_w, 1, d->pad_w),
               .kernel = d->kernel_h,
               .pad = d->pad_h};
  dg_wino back = {.channels = w.filters,
                  .filters = w.channels,
                  .in_h = w.out_h,
                  .in_w = w.out_w,
                  .out_h = w.in_h,
                  .out_w = w.in_w,
                  .kernel = w.kernel,
                  .pad = w.kernel - 1 - w.pad};
  wino_plan p = {.forward = w, .back = back, .image = image_of(&w), .ending = dg_conv_ending_of(d)};
  size_t tiles = dg_wino_tiles(&w), wanted = (MANY_TILES + tiles - 1) / tiles;
  p.block = wanted < max_n ? wanted : max_n;
  p.d_image = gradient_image_of(&w, &back);
  p.weights = dg_wino_weight_floats(&w);
  p.back_weights = d_in ? p.weights : 0;
  p.shared = dg_round_up(tiles * DG_WINO_MOMENTS * w.filters);
  p.to = forward_layout(&p);
  p.from = backward_layout(&p);
  return p;
}

static bool prepare(dg_cpu_op *op, bool train, dg_error *err) {
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  dg_op_needs *needs = &op->base.needs;
  size_t threads = (size_t)op->device->threads;
  wino_plan *p = op->plan = malloc(sizeof *p);
  if (!p) return dg_fail_memory(err, sizeof *p);
  *p = plan_of(d, op->base.max_n, op->base.desc.d_in[0] != DG_GRAD_NONE);
  needs->forward_workspace = (p->shared + threads * p->to.end) * sizeof(float);
  if (!train) return dg_cpu_keep_packing(op, p->weights, err);
  needs->forward_workspace += p->weights * sizeof(float);
  needs->backward_workspace = (p->back_weights + threads * p->from.end) * sizeof(float);
  needs->backward_reads_in = true;
  needs->backward_reads_out = dg_conv_ending_changes(&p->ending);
  needs->kept = p->ending.pool ? op->base.max_n * d->filters * dg_conv_ending_plane(&p->ending) : 0;
  return true;
}

/* ---- both directions ---------------------------------------------------- */

/** A thread's workspace. */
typedef struct {
  const layout *at;
  float *base;
} room;

/** The moments of the vector of channels from `c` on of sample s of `samples` samples x, of some
    rows of tiles. */
static void input_moments(const wino_plan *p, const room *r, size_t samples, size_t s, size_t c,
                          dg_span rows, const float *x, float *moments) {
  const dg_wino *w = &p->forward;
  size_t tiles = dg_wino_tiles(w), plane = w->in_h * w->in_w, depth = dg_wino_depth(w);
  float *image = r->base + r->at->image;
  dg_wino_fill(&p->image, w->in_h, w->in_w, x + (s * w->channels + c) * plane, image);
  dg_wino_moments(w, &p->image, rows, image, moments + s * tiles * depth + c,
                  samples * tiles * depth, depth);
}

/** Those of all channels of `samples` samples x. */
static void all_input_moments(const wino_plan *p, const room *r, size_t samples, const float *x) {
  for (size_t s = 0; s < samples; s++)
    for (size_t c = 0; c < p->forward.channels; c += DG_VECTOR)
      input_moments(p, r, samples, s, c, dg_wino_rows(&p->forward), x, r->base + r->at->moments);
}

/** Products of a panel become planes: DG_VECTOR of them, of one sample. */
static void put_planes(const dg_wino *w, const room *r, const float *products, size_t step,
                       size_t width, bool add, float *out) {
  float *pixels = r->base + r->at->pixels, *turned = r->base + r->at->turned;
  size_t side = dg_wino_side(w), line = dg_wino_tiles_w(w) * side * DG_VECTOR;
  for (size_t y = 0; y < dg_wino_tiles_h(w); y++)
    for (size_t x = 0; x < dg_wino_tiles_w(w); x++, products += width)
      dg_wino_give(side, products, step, pixels + y * side * line + x * side * DG_VECTOR, line);
  size_t plane = w->out_h * w->out_w;
  for (size_t y = 0; y < w->out_h; y++) {
    float *to = out + y * w->out_w;
    dg_transpose(w->out_w, DG_VECTOR, pixels + y * line, DG_VECTOR, add ? turned : to,
                 add ? w->out_w : plane);
    for (size_t c = 0; c < (add ? DG_VECTOR : 0); c++)
      dg_grad_put(DG_GRAD_ADD, w->out_w, turned + c * w->out_w, to + c * plane);
  }
}

/** What becomes of the moments of `samples` samples, with the moments of the weights. */
typedef struct {
  const dg_wino *w;
  size_t samples;
  const float *moments, *panels;
  dg_ending ending;
  float *out;
  float *of_planes; /**< dg_moments of out's planes; NULL: not wanted */
} correlation;

/** Products of the panel of filters from `f` on become DG_VECTOR planes, from its filter v on, of
    sample s. */
static void end_vector(const correlation *k, const room *r, const float *products, size_t f,
                       size_t s, size_t v) {
  const dg_wino *w = k->w;
  const dg_ending *e = &k->ending;
  size_t tiles = dg_wino_tiles(w), plane = w->out_h * w->out_w;
  size_t width = dg_panel_width(dg_panel_columns(w->filters - f));
  float *to = k->out + (s * w->filters + f + v) * plane;
  put_planes(w, r, products + s * tiles * width + v, k->samples * tiles * width, width, e->add, to);
  for (size_t c = 0; c < (e->bias ? DG_VECTOR : 0); c++)
    for (size_t pixel = 0; pixel < plane; pixel++) to[c * plane + pixel] += e->bias[f + v + c];
  dg_act_forward(e->act, DG_VECTOR * plane, to, to);
  if (k->of_planes) dg_moments(DG_VECTOR, plane, to, k->of_planes + 2 * (s * w->filters + f + v));
}

/** The panel of filters from `f` on. */
static void correlate_panel(const correlation *k, const room *r, size_t f) {
  const dg_wino *w = k->w;
  float *products = r->base + r->at->products;
  size_t width = dg_panel_width(dg_panel_columns(w->filters - f));
  dg_wino_correlate(w, k->samples * dg_wino_tiles(w), dg_wino_all(), k->moments, k->panels, f,
                    products);
  for (size_t i = 0; i < k->samples * width; i += DG_VECTOR)
    end_vector(k, r, products, f, i / width, i % width);
}

static void correlate(const correlation *k, const room *r) {
  for (size_t f = 0; f < k->w->filters; f += DG_TILE_WIDTH) correlate_panel(k, r, f);
}

/** Samples of the block that begins at `begin` of a thread's share. */
static size_t block_of(const wino_plan *p, dg_span share, size_t begin) {
  return share.end - begin < p->block ? share.end - begin : p->block;
}

/** A forward pass, as its threads share it. */
typedef struct {
  const dg_cpu_op *op;
  const dg_op_buffers *buffers;
  const dg_step *step;
  float *panels;   /**< moments of the weights */
  float *products; /**< of one sample that threads share, for all filters */
  float *rooms;    /**< for every thread */
} pass;

static room room_of(const pass *f, size_t thread) {
  const wino_plan *p = f->op->plan;
  return (room){&p->to, f->rooms + thread * p->to.end};
}

/** What becomes of the moments of `samples` samples from `first` of the step on; `r`: theirs. */
static correlation correlation_of(const pass *f, const room *r, size_t first, size_t samples) {
  const wino_plan *p = f->op->plan;
  bool apart = dg_conv_ending_sums(&p->ending) > 0;
  size_t out = p->forward.filters * dg_conv_ending_plane(&p->ending);
  const float *bias = f->op->base.desc.conv2d.bias ? dg_floats(f->buffers->param[1]) : NULL;
  return (correlation){.w = &p->forward,
                       .samples = samples,
                       .moments = r->base + p->to.moments,
                       .panels = f->panels,
                       .ending = dg_conv_ending_first(&p->ending, bias),
                       .out = apart ? r->base + p->to.sums
                                    : dg_floats(f->buffers->out[0]) + first * out,
                       .of_planes = dg_conv_ending_moments(f->op, f->buffers, f->step, first)};
}

/** Brings some planes of sample `s` of the step to their end. */
static void end_planes(const pass *f, const room *r, size_t s, dg_span planes, const float *sums) {
  const wino_plan *p = f->op->plan;
  size_t at = s * p->forward.filters * dg_conv_ending_plane(&p->ending);
  const dg_buffer *kept = f->step->train ? f->buffers->kept : NULL;
  dg_conv_ending_put(&p->ending, f->step, s, planes, sums, r->base + p->to.ending,
                     dg_floats(f->buffers->out[0]) + at, kept ? (uint8_t *)kept->data + at : NULL);
}

/** The samples of a block, from `first` of the step on. */
static void forward_block(const pass *f, const room *r, size_t first, size_t samples) {
  const wino_plan *p = f->op->plan;
  const dg_wino *w = &p->forward;
  size_t in = w->channels * w->in_h * w->in_w, made = w->filters * w->out_h * w->out_w;
  correlation k = correlation_of(f, r, first, samples);
  all_input_moments(p, r, samples, dg_floats(f->buffers->in[0]) + first * in);
  correlate(&k, r);
  for (size_t s = 0; s < samples; s++)
    end_planes(f, r, first + s, dg_conv_ending_planes(&p->ending), k.out + s * made);
}

/** Fewer samples than threads, which share each: its channels, then moments, then filters. */
static void forward_shared(const pass *f, const room *r) {
  const wino_plan *p = f->op->plan;
  const dg_wino *w = &p->forward;
  size_t in = w->channels * w->in_h * w->in_w, tiles = dg_wino_tiles(w);
  const room common = room_of(f, 0);
  size_t parts = w->channels / DG_VECTOR < (size_t)omp_get_num_threads() ? 2 : 1;
  for (size_t s = 0; s < f->step->n; s++) {
    const correlation k = correlation_of(f, &common, s, 1);
#pragma omp for schedule(static)
    for (size_t i = 0; i < w->channels / DG_VECTOR * parts; i++)
      input_moments(p, r, 1, 0, i / parts * DG_VECTOR,
                    dg_cpu_part(dg_wino_tiles_h(w), parts, i % parts),
                    dg_floats(f->buffers->in[0]) + s * in, common.base + p->to.moments);
#pragma omp for schedule(static)
    for (size_t i = 0; i < DG_WINO_MOMENTS; i++)
      for (size_t panel = 0; panel < w->filters; panel += DG_TILE_WIDTH)
        dg_wino_correlate(w, tiles, (dg_span){i, i + 1}, k.moments, k.panels, panel,
                          f->products + panel * tiles * DG_WINO_MOMENTS);
#pragma omp for schedule(static)
    for (size_t v = 0; v < w->filters; v += DG_VECTOR) {
      size_t panel = v - v % DG_TILE_WIDTH;
      end_vector(&k, r, f->products + panel * tiles * DG_WINO_MOMENTS, panel, 0, v - panel);
      end_planes(f, r, s, (dg_span){v, v + DG_VECTOR}, k.out);
    }
  }
}

void dg_conv_winograd_forward(const dg_cpu_op *op, const dg_op_buffers *buffers,
                              const dg_step *step) {
  const wino_plan *p = op->plan;
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
    room r = room_of(&f, (size_t)omp_get_thread_num());
    memset(r.base + p->to.image, 0, image_floats(&p->image) * sizeof *r.base);
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
        samples = block_of(p, share, s);
        forward_block(&f, &r, s, samples);
      }
    }
  }
}

/* ---- backward ----------------------------------------------------------- */

/** DG_VECTOR planes of one sample's output, as backward reads them; NULL where not needed. */
typedef struct {
  size_t filter;
  const float *y, *d_y;
  const uint8_t *kept;
} planes;

/** Brings the gradient of the sums into its image, and adds it up for the bias. */
static void fill_gradient(const dg_cpu_op *op, const room *r, const planes *from) {
  const wino_plan *p = op->plan;
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
    if (op->base.desc.conv2d.bias) d_bias[from->filter + c] += dg_sum(plane, d_z + c * plane);
  }
  dg_wino_fill(&p->d_image, p->forward.out_h, p->forward.out_w, d_z, r->base + r->at->d_image);
}

/** The gradient's tiles of the output, as gradients of its moments. */
static void spread(const wino_plan *p, const room *r, size_t step, size_t width, float *d_out) {
  const dg_wino *w = &p->forward;
  size_t side = dg_wino_side(w), line = p->d_image.columns * DG_VECTOR;
  const float *image =
      r->base + r->at->d_image + p->d_image.top * line + p->d_image.left * DG_VECTOR;
  for (size_t y = 0; y < dg_wino_tiles_h(w); y++)
    for (size_t x = 0; x < dg_wino_tiles_w(w); x++, d_out += width)
      dg_wino_spread(side, image + y * side * line + x * side * DG_VECTOR, line, d_out, step);
}

/** Some samples, as backward reads and writes them; NULL what is not needed. */
typedef struct {
  size_t samples;
  const float *x, *y, *d_y;
  const uint8_t *kept;
  float *dx;
} chunk;

static void backward_block(const dg_cpu_op *op, const room *r, const float *panels,
                           const chunk *c) {
  const wino_plan *p = op->plan;
  const dg_wino *w = &p->forward, *b = &p->back;
  size_t tiles = dg_wino_tiles(w), back_tiles = dg_wino_tiles(b), depth = dg_wino_depth(b),
         plane = dg_conv_ending_plane(&p->ending);
  float *products = r->base + r->at->products, *d_moments = r->base + r->at->d_moments;
  all_input_moments(p, r, c->samples, c->x);
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
    correlate(&(correlation){.w = b,
                             .samples = c->samples,
                             .moments = d_moments,
                             .panels = panels,
                             .ending = {.add = op->base.desc.d_in[0] == DG_GRAD_ADD},
                             .out = c->dx},
              r);
}

static void clear(const wino_plan *p, const room *r) {
  memset(r->base + r->at->image, 0, image_floats(&p->image) * sizeof *r->base);
  memset(r->base + r->at->d_image, 0, image_floats(&p->d_image) * sizeof *r->base);
  memset(r->base + r->at->d_weights, 0, (r->at->end - r->at->d_weights) * sizeof *r->base);
}

/** The threads' sums, for a vector of filters. */
static void put_parameters(const wino_plan *p, const room *r, float *rooms, size_t filter,
                           float *d_weight, float *d_bias) {
  size_t threads = (size_t)omp_get_num_threads();
  dg_wino_put_kernels(&p->forward, threads, rooms + p->from.d_weights, p->from.end, filter,
                      r->base + r->at->moments, d_weight);
  for (size_t f = filter; f < (d_bias ? filter + DG_VECTOR : 0); f++) {
    double sum = 0;
    for (size_t t = 0; t < threads; t++)
      sum += ((double *)(void *)(rooms + t * p->from.end + p->from.d_bias))[f];
    d_bias[f] = (float)sum;
  }
}

static void backward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_conv2d_desc *d = &op->base.desc.conv2d;
  const wino_plan *p = op->plan;
  const dg_wino *w = &p->forward;
  size_t in = w->channels * w->in_h * w->in_w, taps = w->kernel * w->kernel;
  size_t out = w->filters * dg_conv_ending_plane(&p->ending);
  size_t work = step->n * w->out_h * w->out_w * taps * w->filters;
  dg_wino_weights weights = {dg_floats(buffers->param[0]), w->channels * taps, taps, true};
  const float *x = dg_floats(buffers->in[0]), *d_y = dg_floats(buffers->d_out);
  const float *y = op->base.needs.backward_reads_out ? dg_floats(buffers->out[0]) : NULL;
  const uint8_t *kept = buffers->kept ? (const uint8_t *)buffers->kept->data : NULL;
  float *dx = p->back_weights ? dg_floats(buffers->d_in[0]) : NULL;
  float *panels = dg_floats(buffers->workspace), *rooms = panels + p->back_weights;
#pragma omp parallel num_threads(dg_cpu_threads(op->device, work))
  {
    room r = {&p->from, rooms + (size_t)omp_get_thread_num() * p->from.end};
    clear(p, &r);
#pragma omp for schedule(static)
    for (size_t c = 0; c < (dx ? w->channels : 0); c += DG_TILE_WIDTH)
      dg_wino_pack(&p->back, &weights, c, panels + c * dg_wino_depth(&p->back) * DG_WINO_MOMENTS);
    dg_span share = dg_cpu_share(step->n, 1);
    for (size_t s = share.begin, samples; s < share.end; s += samples) {
      samples = block_of(p, share, s);
      backward_block(op, &r, panels,
                     &(chunk){.samples = samples,
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

static bool supports(const dg_op_desc *desc) {
  return dg_conv_winograd_is_faster(&desc->conv2d);
}

const dg_cpu_family dg_conv_winograd = {supports, prepare, dg_conv_winograd_forward, backward};
