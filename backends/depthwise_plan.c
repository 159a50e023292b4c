#include "backends/depthwise_plan.h"

#include <stdlib.h>

/** Numbers that a loop takes at a time, at most. */
enum { MOST_BLOCK = 64 };

/** Are the masks and the planes of all phases together small enough to be counted in 32 bits? */
static bool is_countable(const dg_grouped_conv2d_desc *d) {
  const uint64_t phases = (uint64_t)d->stride_h * d->stride_w;
  const uint64_t masks = dg_size_times(2 * (uint64_t)d->kernel_w,
                                       dg_size_plus(dg_grouped_conv2d_out_w(d), MOST_BLOCK));
  return dg_size_fits(dg_size_times(4 * phases, dg_grouped_conv2d_intermediate(d))) &&
         dg_size_fits(masks);
}

bool dg_depthwise_fits(const dg_grouped_conv2d_desc *d) {
  return d->groups == d->channels && d->filters / d->channels <= DG_DEPTHWISE_MOST_FILTERS &&
         d->stride_h <= DG_DEPTHWISE_MOST_STRIDE && d->stride_w <= DG_DEPTHWISE_MOST_STRIDE &&
         (uint64_t)d->kernel_h * d->kernel_w <= DG_DEPTHWISE_MOST_TAPS &&
         (d->width - 1) / d->stride_w < dg_grouped_conv2d_out_w(d) && is_countable(d);
}

/** Where the elements of a row or column of the kernel are: their phases, and by how much they are
    moved in these. */
typedef struct {
  uint32_t count;
  uint32_t phase[DG_DEPTHWISE_MOST_TAPS];
  long shift[DG_DEPTHWISE_MOST_TAPS];
} shifts;

static shifts shifts_of(uint32_t kernel, uint32_t stride, uint32_t dilation, uint32_t pad) {
  shifts s = {.count = kernel};
  for (uint32_t k = 0; k < kernel; k++) {
    const long at = (long)k * dilation - (long)pad, step = stride;
    s.shift[k] = at >= 0 ? at / step : -((step - 1 - at) / step);
    s.phase[k] = (uint32_t)(at - s.shift[k] * step);
  }
  return s;
}

static long least(const shifts *s) {
  return s->shift[0];
}

static long most(const shifts *s) {
  return s->shift[s->count - 1];
}

/** `rows` rows of `pitch`, of which others are read: from `above` and `left` before the first
    number to row `last` and `right` columns after its beginning. */
static dg_depthwise_plane plane_of(long pitch, long rows, long above, long left, long last,
                                   long right, long block) {
  const long front = (above > 0 ? above : 0) * pitch + (left > 0 ? left : 0);
  const long read = last >= rows ? last + 1 : rows;
  const long floats = front + read * pitch + (right > 0 ? right : 0) + block;
  return (dg_depthwise_plane){(uint32_t)front, (uint32_t)floats};
}

/** A mask for a move by `shift` columns. */
static void fill_mask(int32_t *mask, uint32_t count, uint32_t pitch, long shift) {
  for (uint32_t i = 0; i < count; i++) {
    const long column = (long)(i % pitch) + shift;
    mask[i] = column >= 0 && column < (long)pitch ? -1 : 0;
  }
}

/** The offset of what element (ky, kx) moves. */
static long moved(const dg_depthwise_plan *p, const shifts *ys, uint32_t ky, const shifts *xs,
                  uint32_t kx) {
  return ys->shift[ky] * (long)p->pitch + xs->shift[kx];
}

static void fill_forward(dg_depthwise_plan *p, const shifts *ys, const shifts *xs,
                         uint32_t mask_pitch) {
  uint32_t *offset = p->records + 2, *weight = offset + p->taps, *mask = weight + p->taps;
  p->records[0] = xs->count, p->records[1] = ys->count;
  for (uint32_t kx = 0; kx < xs->count; kx++) {
    *mask++ = kx * mask_pitch;
    for (uint32_t ky = 0; ky < ys->count; ky++) {
      const uint32_t phase = ys->phase[ky] * p->phases_w + xs->phase[kx];
      *offset++ = (uint32_t)((long)phase * p->x.floats + p->x.front + moved(p, ys, ky, xs, kx));
      *weight++ = ky * xs->count + kx;
    }
  }
}

/** The sums that give a phase of the gradient of the input: of the elements that read it. */
static void fill_d_input(dg_depthwise_plan *p, const shifts *ys, const shifts *xs,
                         uint32_t mask_pitch, uint32_t phase) {
  uint32_t *record = p->records + (size_t)(1 + phase) * p->record;
  uint32_t *offset = record + 2, *weight = offset + p->taps, *mask = weight + p->taps;
  for (uint32_t ky = 0; ky < ys->count; ky++) record[1] += ys->phase[ky] == phase / p->phases_w;
  for (uint32_t kx = 0; kx < xs->count; kx++) {
    if (xs->phase[kx] != phase % p->phases_w) continue;
    record[0]++;
    *mask++ = (xs->count + kx) * mask_pitch;
    for (uint32_t ky = 0; ky < ys->count; ky++) {
      if (ys->phase[ky] != phase / p->phases_w) continue;
      *offset++ = (uint32_t)((long)p->d_z.front - moved(p, ys, ky, xs, kx));
      *weight++ = ky * xs->count + kx;
    }
  }
}

static void fill_sizes(dg_depthwise_plan *p, const dg_grouped_conv2d_desc *d, uint32_t block) {
  p->pitch = dg_grouped_conv2d_out_w(d);
  p->out = dg_grouped_conv2d_out_h(d) * p->pitch;
  p->rows = (d->height - 1) / d->stride_h + 1;
  p->phases_h = d->stride_h, p->phases_w = d->stride_w;
  p->filters = d->filters / d->channels;
  p->taps = d->kernel_h * d->kernel_w;
  p->record = 2 + 2 * p->taps + d->kernel_w;
  p->mask_count = 2 * d->kernel_w * (p->pitch + block);
}

dg_depthwise_plan *dg_depthwise_plan_new(const dg_grouped_conv2d_desc *d, uint32_t block,
                                         dg_error *err) {
  dg_depthwise_plan sizes = {0};
  fill_sizes(&sizes, d, block);
  const uint32_t phases = d->stride_h * d->stride_w, mask_pitch = sizes.pitch + block;
  const size_t numbers = (size_t)(1 + phases) * sizes.record + sizes.mask_count;
  const size_t bytes = sizeof sizes + numbers * sizeof(uint32_t);
  dg_depthwise_plan *p = calloc(1, bytes);
  if (!p) return dg_fail_memory(err, bytes), NULL;
  *p = sizes;
  p->records = (uint32_t *)(p + 1);
  p->masks = (int32_t *)(p->records + (size_t)(1 + phases) * p->record);
  const shifts ys = shifts_of(d->kernel_h, d->stride_h, d->dilation_h, d->pad_h),
               xs = shifts_of(d->kernel_w, d->stride_w, d->dilation_w, d->pad_w);
  const long pitch = p->pitch, rows = p->rows, out_h = p->out / p->pitch;
  p->x = plane_of(pitch, rows, -least(&ys), -least(&xs), out_h - 1 + most(&ys), most(&xs), block);
  p->d_z = plane_of(pitch, out_h, most(&ys), most(&xs), rows - 1 - least(&ys), -least(&xs), block);
  fill_forward(p, &ys, &xs, mask_pitch);
  for (uint32_t i = 0; i < phases; i++) fill_d_input(p, &ys, &xs, mask_pitch, i);
  for (uint32_t kx = 0; kx < d->kernel_w; kx++) {
    fill_mask(p->masks + kx * mask_pitch, mask_pitch, p->pitch, xs.shift[kx]);
    fill_mask(p->masks + (d->kernel_w + kx) * mask_pitch, mask_pitch, p->pitch, -xs.shift[kx]);
  }
  return p;
}
