/* Selects the samples of a batch from a data set, and changes them in training. */
#include "backends/opencl/runtime/implementation.h"
#include "core/base/philox.h"

typedef struct {
  dg_cl_op op;
  /* Those that the description doesn't need are NULL. Training uses warped instead of read. */
  cl_kernel read, warped, noise, cutout, targets, lengths, trim;
  dg_buffer *settings;
} gather_op;

/* What the kernels need of the description, as in cl/step/gather_warped.cl. */
typedef struct {
  cl_uint channels, height, width, channels_last, floats;
  cl_float unit, mean, factor, shift; /* x = (unit v - mean) factor + shift */
  cl_float rotate, way_x, way_y, growth, shear, flip;
  cl_uint crop_x, crop_y;
  cl_uint recolours;
  cl_float brightness, contrast, gain, noise;
  cl_uint cutout;
} settings;

/* Bytes whose norms are the same need one multiply-add each. */
static bool is_linear(const dg_gather_desc *d) {
  return d->type == DG_NUMBERS_BYTES && !d->per_channel;
}

static bool alternates(const dg_gather_desc *d) {
  bool is_row = d->height == 1 && d->width == 1;
  return d->per_channel && d->channels > 1 && (d->channels_last || is_row);
}

static float scale_of(const dg_gather_desc *d) {
  return (float)(1.0 / (255.0 * (double)d->std));
}

static float shift_of(const dg_gather_desc *d) {
  return (float)(-(double)d->mean / (double)d->std);
}

static uint32_t sample_count(const dg_gather_desc *d) {
  return d->channels * d->height * d->width;
}

/* ---- preparing ------------------------------------------------------------ */

static settings settings_of(const dg_gather_desc *d) {
  const dg_augment *a = &d->augment;
  settings s = {.channels = d->channels,
                .height = d->height,
                .width = d->width,
                .channels_last = d->channels_last,
                .floats = d->type == DG_NUMBERS_FLOATS,
                .unit = d->type == DG_NUMBERS_FLOATS ? 1 : 1 / 255.0f,
                .mean = d->mean,
                .factor = 1 / d->std,
                .rotate = a->rotate,
                .way_x = d->width > 1 ? a->shift * (float)d->width : 0,
                .way_y = d->height > 1 ? a->shift * (float)d->height : 0,
                .growth = a->scale,
                .shear = a->shear,
                .flip = a->flip,
                .crop_x = d->width > 1 ? a->crop : 0,
                .crop_y = d->height > 1 ? a->crop : 0,
                .recolours = dg_augment_recolours(a),
                .brightness = a->brightness,
                .contrast = a->contrast,
                .gain = a->gain,
                .noise = a->noise,
                .cutout = a->cutout};
  if (is_linear(d) && !s.recolours)
    s.unit = 1, s.mean = 0, s.factor = scale_of(d), s.shift = shift_of(d);
  return s;
}

static const char *reader_of(const dg_cl_op *op) {
  const dg_gather_desc *d = &op->desc.gather;
  if (is_linear(d)) return op->device->form == DG_CL_TILE ? "gather_whole" : "gather";
  return alternates(d) ? "gather_alternating" : "gather_lines";
}

static bool make(dg_cl_op *op, bool needed, const char *name, cl_kernel *kernel, dg_error *err) {
  if (!needed) return true;
  *kernel = dg_cl_kernel(op, DG_CL_ELEMENTS, name, err);
  return *kernel;
}

static bool prepare(dg_cl_op *op, dg_error *err) {
  gather_op *self = (gather_op *)op;
  const dg_gather_desc *d = &op->desc.gather;
  const dg_augment *a = &d->augment;
  const settings s = settings_of(d);
  const bool warps = dg_augment_warps(a) || s.recolours, noise = a->gain != 0 || a->noise != 0;
  if (warps || noise || a->cutout) {
    self->settings = dg_cl_table(op, &s, sizeof s, err);
    if (!self->settings) return false;
  }
  return make(op, true, reader_of(op), &self->read, err) &&
         make(op, warps, "gather_warped", &self->warped, err) &&
         make(op, noise, "gather_noise", &self->noise, err) &&
         make(op, a->cutout != 0, "gather_cutout", &self->cutout, err) &&
         make(op, d->targets != 0, "gather_targets", &self->targets, err) &&
         make(op, d->lengths, "gather_lengths", &self->lengths, err) &&
         make(op, d->lengths, "gather_trim", &self->trim, err);
}

/* ---- running -------------------------------------------------------------- */

/* Where labels are written: not where there are targets, which have a kernel of their own. */
static const dg_buffer *labels_of(const dg_gather_desc *d, const dg_op_buffers *b) {
  return d->targets ? NULL : b->out[1];
}

static dg_cl_range blocks(const dg_cl_op *op, size_t numbers, size_t samples, size_t lines) {
  if (op->device->form == DG_CL_TILE)
    return (dg_cl_range){.global = {1, samples, lines}, .local = {1, 1, 1}};
  dg_cl_range range = dg_cl_blocks(op->device, numbers, samples);
  range.global[2] = lines;
  return range;
}

static bool read_linear(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_gather_desc *d = &op->desc.gather;
  const uint32_t count = sample_count(d);
  const bool tiles = op->device->form == DG_CL_TILE;
  const dg_cl_range whole = {.global = {step->n, 1, 1}, .local = {1, 1, 1}};
  return dg_cl_launch(
      op, ((gather_op *)op)->read, tiles ? whole : dg_cl_blocks(op->device, count, step->n),
      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->in[1]), dg_cl_mem(b->in[2]),
                 dg_cl_mem(b->out[0]), dg_cl_mem(labels_of(d, b)), dg_cl_u32(count),
                 dg_cl_u32(step->first), dg_cl_f32(scale_of(d)), dg_cl_f32(shift_of(d))),
      err);
}

static bool read_alternating(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step,
                             dg_error *err) {
  const dg_gather_desc *d = &op->desc.gather;
  const uint32_t count = sample_count(d);
  return dg_cl_launch(op, ((gather_op *)op)->read, blocks(op, count, step->n, 1),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->in[1]), dg_cl_mem(b->in[2]),
                                 dg_cl_mem(b->in[3]), dg_cl_mem(b->out[0]),
                                 dg_cl_mem(labels_of(d, b)), dg_cl_u32(count),
                                 dg_cl_u32(step->first), dg_cl_u32(d->type == DG_NUMBERS_FLOATS),
                                 dg_cl_u32(d->channels)),
                      err);
}

static bool read_lines(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_gather_desc *d = &op->desc.gather;
  const uint32_t lines = d->per_channel ? d->channels : 1, count = sample_count(d) / lines;
  return dg_cl_launch(op, ((gather_op *)op)->read, blocks(op, count, step->n, lines),
                      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->in[1]), dg_cl_mem(b->in[2]),
                                 dg_cl_mem(d->per_channel ? b->in[3] : NULL), dg_cl_mem(b->out[0]),
                                 dg_cl_mem(labels_of(d, b)), dg_cl_u32(count),
                                 dg_cl_u32(step->first), dg_cl_u32(d->type == DG_NUMBERS_FLOATS),
                                 dg_cl_f32(d->mean), dg_cl_f32(1 / d->std)),
                      err);
}

static bool read_warped(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const gather_op *self = (gather_op *)op;
  const dg_gather_desc *d = &op->desc.gather;
  const size_t group = dg_cl_group(op->device);
  return dg_cl_launch(
      op, self->warped,
      (dg_cl_range){.global = {group, step->n, d->channels}, .local = {group, 1, 1}},
      DG_CL_ARGS(dg_cl_mem(b->in[0]), dg_cl_mem(b->in[1]), dg_cl_mem(b->in[2]),
                 dg_cl_mem(d->per_channel ? b->in[3] : NULL), dg_cl_mem(b->out[0]),
                 dg_cl_mem(labels_of(d, b)), dg_cl_mem(self->settings), dg_cl_u32(step->first),
                 dg_cl_u32(step->seed), dg_cl_u32(dg_stream(DG_STREAM_AUGMENT, 0)),
                 dg_cl_u32(step->step), dg_cl_u32(step->batch_index),
                 dg_cl_mem(d->lengths ? b->out[2] : NULL)),
      err);
}

static bool add_noise(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const gather_op *self = (gather_op *)op;
  const uint32_t count = sample_count(&op->desc.gather);
  return dg_cl_launch(op, self->noise, blocks(op, dg_cl_ceil_div(count, 4), step->n, 1),
                      DG_CL_ARGS(dg_cl_mem(b->out[0]), dg_cl_mem(self->settings), dg_cl_u32(count),
                                 dg_cl_u32(step->seed), dg_cl_u32(dg_stream(DG_STREAM_AUGMENT, 0)),
                                 dg_cl_u32(step->step), dg_cl_u32(step->batch_index)),
                      err);
}

/* Numbers of a side of `size` that a square may cover, its outside included. */
static size_t side_of(uint32_t cutout, uint32_t size) {
  const uint32_t reach = (cutout - 1) / 2;
  return 2 * (size_t)(reach < size ? reach : size) + 1;
}

static bool cut_out(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const gather_op *self = (gather_op *)op;
  const dg_gather_desc *d = &op->desc.gather;
  const uint32_t cutout = d->augment.cutout;
  const size_t items[3] = {side_of(cutout, d->width), side_of(cutout, d->height), step->n};
  const bool tiles = op->device->form == DG_CL_TILE;
  const dg_cl_range whole = {.global = {1, 1, step->n}, .local = {1, 1, 1}};
  return dg_cl_launch(
      op, self->cutout, tiles ? whole : dg_cl_range_of(items, (size_t[3]){16, 4, 1}),
      DG_CL_ARGS(dg_cl_mem(b->out[0]), dg_cl_mem(self->settings), dg_cl_u32(step->seed),
                 dg_cl_u32(dg_stream(DG_STREAM_AUGMENT, 0)), dg_cl_u32(step->step),
                 dg_cl_u32(step->batch_index), dg_cl_mem(d->lengths ? b->out[2] : NULL)),
      err);
}

static bool copy_targets(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_gather_desc *d = &op->desc.gather;
  const size_t items[3] = {d->targets, step->n, 1};
  return dg_cl_launch(op, ((gather_op *)op)->targets,
                      dg_cl_range_of(items, (size_t[3]){d->targets < 64 ? 1 : 64, 1, 1}),
                      DG_CL_ARGS(dg_cl_mem(b->in[1]), dg_cl_mem(b->in[2]), dg_cl_mem(b->out[1]),
                                 dg_cl_u32(d->targets), dg_cl_u32(step->first),
                                 dg_cl_u32(d->targets_type == DG_NUMBERS_FLOATS)),
                      err);
}

static bool copy_lengths(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  return dg_cl_launch(op, ((gather_op *)op)->lengths,
                      dg_cl_range_of((size_t[3]){step->n, 1, 1}, (size_t[3]){16, 1, 1}),
                      DG_CL_ARGS(dg_cl_mem(b->in[4]), dg_cl_mem(b->in[2]), dg_cl_mem(b->out[2]),
                                 dg_cl_u32(step->n), dg_cl_u32(step->first)),
                      err);
}

static bool trim(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const dg_gather_desc *d = &op->desc.gather;
  const uint32_t count = sample_count(d);
  return dg_cl_launch(op, ((gather_op *)op)->trim, blocks(op, count, step->n, 1),
                      DG_CL_ARGS(dg_cl_mem(b->out[0]), dg_cl_mem(b->out[2]), dg_cl_u32(count),
                                 dg_cl_u32(d->channels)),
                      err);
}

static bool forward(dg_cl_op *op, const dg_op_buffers *b, const dg_step *step, dg_error *err) {
  const gather_op *self = (gather_op *)op;
  const dg_gather_desc *d = &op->desc.gather;
  const bool changes = step->train;
  if (self->targets && b->out[1] && !copy_targets(op, b, step, err)) return false;
  if (self->lengths && !copy_lengths(op, b, step, err)) return false;
  const bool ok = changes && self->warped ? read_warped(op, b, step, err)
                  : is_linear(d)          ? read_linear(op, b, step, err)
                  : alternates(d)         ? read_alternating(op, b, step, err)
                                          : read_lines(op, b, step, err);
  return ok && (!changes || !self->noise || add_noise(op, b, step, err)) &&
         (!changes || !self->cutout || cut_out(op, b, step, err)) &&
         (!self->trim || trim(op, b, step, err));
}

static const dg_cl_implementation samples = {
    .name = "samples", .size = sizeof(gather_op), .prepare = prepare, .run = forward};

const dg_cl_family dg_cl_gather = {.forward = {&samples}};
