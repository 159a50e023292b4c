#include "backends/sizes.h"

/* ---- counting ----------------------------------------------------------- */

static uint64_t volume(uint64_t a, uint64_t b, uint64_t c) {
  return dg_size_times(dg_size_times(a, b), c);
}

static uint64_t larger(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

static dg_op_sizes of_same(uint64_t count) {
  return (dg_op_sizes){.in = {count}, .out = {count}};
}

static dg_op_sizes of_linear(const dg_linear_desc *d) {
  return (dg_op_sizes){.in = {d->in},
                       .out = {d->out},
                       .param = {dg_size_times(d->in, d->out), d->bias ? d->out : 0}};
}

/** A side with its padding, in whole strides. */
static uint64_t padded(uint64_t size, uint64_t stride, uint64_t pad) {
  return size + 2 * pad + stride;
}

/** The padded input, and the output's gradient as the input's is gathered from it. */
static uint64_t within_conv2d(const dg_conv2d_desc *d) {
  uint64_t in = volume(d->channels, padded(d->height, d->stride_h, d->pad_h),
                       padded(d->width, d->stride_w, d->pad_w));
  uint64_t out = volume(d->filters, (uint64_t)d->height + d->kernel_h + 2 * (uint64_t)d->pad_h,
                        (uint64_t)d->width + d->kernel_w + 2 * (uint64_t)d->pad_w);
  return larger(in, out);
}

static dg_op_sizes of_conv2d(const dg_conv2d_desc *d) {
  uint64_t height = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  uint64_t width = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  uint64_t pool = d->pool ? d->pool : 1;
  uint64_t taps = volume(d->channels, d->kernel_h, d->kernel_w);
  return (dg_op_sizes){
      .in = {volume(d->channels, d->height, d->width)},
      .out = {volume(d->filters, height / pool, width / pool),
              d->moments ? 2 * (uint64_t)d->filters : 0},
      .param = {dg_size_times(d->filters, taps), d->bias ? d->filters : 0},
      .within = larger(within_conv2d(d), volume(d->filters, height, width)),
  };
}

static dg_op_sizes of_conv1d(const dg_conv1d_desc *d) {
  uint64_t steps = dg_window_out(d->steps, d->kernel, d->stride, d->pad);
  uint64_t in = dg_size_times(d->in, padded(d->steps, d->stride, d->pad));
  uint64_t out = dg_size_times(d->filters, (uint64_t)d->steps + d->kernel + 2 * (uint64_t)d->pad);
  return (dg_op_sizes){.in = {dg_size_times(d->steps, d->in)},
                       .out = {dg_size_times(steps, d->filters)},
                       .param = {volume(d->filters, d->in, d->kernel), d->bias ? d->filters : 0},
                       .within = larger(in, out)};
}

static dg_op_sizes of_pool2d(const dg_pool2d_desc *d) {
  uint64_t height = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  uint64_t width = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  return (dg_op_sizes){.in = {volume(d->channels, d->height, d->width)},
                       .out = {volume(d->channels, height, width)},
                       .within = volume(d->channels, padded(d->height, d->stride_h, d->pad_h),
                                        padded(d->width, d->stride_w, d->pad_w))};
}

static dg_op_sizes of_add(const dg_add_desc *d) {
  dg_op_sizes sizes = {.out = {d->count}};
  for (uint32_t k = 0; k < d->inputs && k < DG_MAX_IN; k++) sizes.in[k] = d->count;
  return sizes;
}

static dg_op_sizes of_concat(const dg_concat_desc *d) {
  dg_op_sizes sizes = {.out = {0}};
  for (uint32_t k = 0; k < d->inputs && k < DG_MAX_IN; k++) {
    sizes.in[k] = dg_size_times(d->rows, d->count[k]);
    sizes.out[0] = dg_size_plus(sizes.out[0], sizes.in[k]);
  }
  return sizes;
}

static dg_op_sizes of_batch_norm(const dg_batch_norm_desc *d) {
  dg_op_sizes sizes = of_same(volume(d->rows, d->channels, d->plane));
  sizes.in[1] = d->moments ? 2 * (uint64_t)d->channels : 0;
  sizes.param[0] = sizes.param[1] = sizes.state[0] = sizes.state[1] = d->channels;
  return sizes;
}

static dg_op_sizes of_layer_norm(const dg_layer_norm_desc *d) {
  dg_op_sizes sizes = of_same(dg_size_times(d->rows, d->count));
  sizes.param[0] = sizes.param[1] = d->count;
  return sizes;
}

/** What a recurrent layer keeps of a step is at most so many times its state, rounded up. */
enum { RECURRENT_PLANES = DG_MAX_GATES + 2, RECURRENT_UNIT = 256 };

static dg_op_sizes of_recurrent(const dg_recurrent_desc *d) {
  uint32_t directions = d->bidirectional ? 2 : 1, params = 0;
  uint64_t rows = (uint64_t)dg_cell_gates(d->cell) * d->hidden;
  uint64_t state = (uint64_t)directions * d->hidden;
  uint64_t kept = RECURRENT_PLANES * dg_size_round_up(d->hidden, RECURRENT_UNIT);
  dg_op_sizes sizes = {.in = {dg_size_times(d->steps, d->in)},
                       .out = {d->sequence ? dg_size_times(d->steps, state) : state},
                       .within = volume(directions, d->steps, kept)};
  for (uint32_t direction = 0; direction < directions; direction++) {
    sizes.param[params++] = dg_size_times(rows, d->in);
    sizes.param[params++] = dg_size_times(rows, d->hidden);
    for (uint32_t b = 0; b < d->biases && b < 2; b++) sizes.param[params++] = rows;
  }
  return sizes;
}

dg_op_sizes dg_op_sizes_of(const dg_op_desc *desc) {
  switch (desc->kind) {
  case DG_OP_LINEAR:
    return of_linear(&desc->linear);
  case DG_OP_CONV2D:
    return of_conv2d(&desc->conv2d);
  case DG_OP_CONV1D:
    return of_conv1d(&desc->conv1d);
  case DG_OP_MAXPOOL2D:
  case DG_OP_AVGPOOL2D:
    return of_pool2d(&desc->pool2d);
  case DG_OP_ACTIVATION:
    return of_same(desc->activation.count);
  case DG_OP_DROPOUT:
    return of_same(desc->dropout.count);
  case DG_OP_CHW_TO_HWC:
    return of_same(volume(desc->chw.channels, desc->chw.height, desc->chw.width));
  case DG_OP_ADD:
    return of_add(&desc->add);
  case DG_OP_CONCAT:
    return of_concat(&desc->concat);
  case DG_OP_BATCH_NORM:
    return of_batch_norm(&desc->batch_norm);
  case DG_OP_LAYER_NORM:
    return of_layer_norm(&desc->layer_norm);
  case DG_OP_RECURRENT:
    return of_recurrent(&desc->recurrent);
  case DG_OP_GATHER:
    return (dg_op_sizes){.out = {dg_size_times(desc->gather.height, desc->gather.width), 1}};
  case DG_OP_LOSS:
    return (dg_op_sizes){.in = {desc->loss.classes, 1}, .out = {desc->loss.classes}};
  case DG_OP_UPDATE:
    return (dg_op_sizes){.param = {desc->update.count}};
  case DG_OP_AVERAGE:
    return (dg_op_sizes){.param = {desc->average.count}};
  default:
    return (dg_op_sizes){.within = DG_SIZE_TOO_LARGE};
  }
}

/* ---- checking ----------------------------------------------------------- */

/** Parameters end one after the other, the last at the end of all. */
static bool ends_agree(const dg_update_desc *d) {
  for (uint32_t i = 0; i < d->parts; i++)
    if (d->ends[i] > d->count || (i && d->ends[i] < d->ends[i - 1])) return false;
  return d->parts == 0 || d->ends[d->parts - 1] == d->count;
}

/** Can this be counted at all, and does every part of it fit the others? */
static bool agrees(const dg_op_desc *desc) {
  switch (desc->kind) {
  case DG_OP_CONV2D:
    return desc->conv2d.stride_h && desc->conv2d.stride_w;
  case DG_OP_MAXPOOL2D:
  case DG_OP_AVGPOOL2D:
    return desc->pool2d.stride_h && desc->pool2d.stride_w;
  case DG_OP_CONV1D:
    return desc->conv1d.stride;
  case DG_OP_ADD:
    return desc->add.inputs >= 2 && desc->add.inputs <= DG_MAX_IN;
  case DG_OP_CONCAT:
    return desc->concat.inputs >= 2 && desc->concat.inputs <= DG_MAX_IN;
  case DG_OP_RECURRENT:
    return (unsigned)desc->recurrent.cell <= DG_CELL_LSTM && desc->recurrent.biases <= 2;
  case DG_OP_UPDATE:
    return ends_agree(&desc->update);
  default:
    return (unsigned)desc->kind < DG_OP_KINDS;
  }
}

/** A tensor, for messages. */
typedef struct {
  const char *what;
  uint64_t numbers; /**< of one sample, or in all */
  bool sampled, needed;
} tensor;

static bool check_tensor(const tensor *t, uint32_t max_n, uint64_t most, dg_error *err) {
  if (t->needed && t->numbers == 0)
    return dg_fail(err, DG_ERR_INPUT, "%s would have no numbers", t->what);
  if (!dg_size_fits(t->numbers))
    return dg_fail(err, DG_ERR_INPUT, "%s would have more than %d numbers%s", t->what,
                   DG_SIZE_NUMBERS, t->sampled ? " a sample" : "");
  uint64_t all = t->sampled ? dg_size_times(t->numbers, max_n) : t->numbers;
  return all <= most ||
         dg_fail(err, DG_ERR_MEMORY,
                 "%s of %u samples would have %llu numbers, more than %llu; a smaller batch fits",
                 t->what, max_n, (unsigned long long)all, (unsigned long long)most);
}

/** Has the op no samples, but parameters alone? */
static bool is_whole(dg_op_kind kind) {
  return kind == DG_OP_UPDATE || kind == DG_OP_AVERAGE;
}

bool dg_op_check(const dg_op_desc *desc, uint32_t max_n, uint64_t most, dg_error *err) {
  static const uint64_t most_within = (uint64_t)1 << 40, most_together = (uint64_t)1 << 57;
  if (max_n == 0) return dg_fail(err, DG_ERR_INPUT, "an op can't be prepared for no samples");
  if (!agrees(desc)) return dg_fail(err, DG_ERR_INPUT, "an op's description contradicts itself");
  dg_op_sizes sizes = dg_op_sizes_of(desc);
  for (uint32_t k = 0; k < DG_MAX_IN; k++)
    if (!check_tensor(&(tensor){"its input", sizes.in[k], true, false}, max_n, most, err))
      return false;
  for (uint32_t k = 0; k < DG_MAX_OUT; k++)
    if (!check_tensor(&(tensor){"its output", sizes.out[k], true, k == 0 && !is_whole(desc->kind)},
                      max_n, most, err))
      return false;
  for (uint32_t k = 0; k < DG_MAX_PARAM; k++)
    if (!check_tensor(
            &(tensor){"a parameter", sizes.param[k], false, k == 0 && is_whole(desc->kind)}, 1,
            most, err))
      return false;
  return (sizes.within <= most_within && dg_size_times(sizes.within, max_n) <= most_together) ||
         dg_fail(err, DG_ERR_INPUT, "what it makes of its input on the way is too large");
}
