/** Padded planes. */
#include <stdlib.h>
#include <string.h>

#include "backends/cpu/conv2d/grouped/grouped.h"

static size_t to_vectors(size_t floats) {
  return (floats + DG_VECTOR - 1) / DG_VECTOR * DG_VECTOR;
}

dg_grouped_plan *dg_grouped_plan_new(const dg_grouped_conv2d_desc *d, dg_error *err) {
  const size_t taps = (size_t)d->kernel_h * d->kernel_w, filters = d->filters / d->groups;
  const size_t bytes = sizeof(dg_grouped_plan) + taps * sizeof(size_t) + filters * sizeof(uint32_t);
  dg_grouped_plan *p = calloc(1, bytes);
  if (!p) return dg_fail_memory(err, bytes), NULL;
  const size_t reach = (size_t)d->dilation_w * (d->kernel_w - 1), stride = d->stride_w;
  p->out_h = dg_grouped_conv2d_out_h(d);
  p->out_w = dg_grouped_conv2d_out_w(d);
  p->out_pitch = to_vectors(p->out_w);
  p->out_floats = p->out_h * p->out_pitch;
  p->lines = (p->out_h - 1) * d->stride_h + (size_t)d->dilation_h * (d->kernel_h - 1) + 1;
  p->phase_pitch = p->out_pitch + reach / stride + 1;
  p->pitch = stride * p->phase_pitch;
  p->plane_floats = to_vectors(p->lines * p->pitch);
  p->channels = d->channels / d->groups;
  p->filters = filters;
  p->taps = taps;
  for (size_t k = 0; k < taps; k++) {
    const size_t y = k / d->kernel_w * d->dilation_h, x = k % d->kernel_w * d->dilation_w;
    p->offset[k] = y * p->pitch + x % stride * p->phase_pitch + x / stride;
  }
  uint32_t *filter = (uint32_t *)(p->offset + taps);
  for (size_t f = 0; f < filters; f++) filter[f] = (uint32_t)(f * p->channels * taps);
  p->filter = filter;
  return p;
}

size_t dg_grouped_runs(const dg_grouped_conv2d_desc *d, const dg_grouped_plan *plan, size_t pixel,
                       size_t count, dg_grouped_run *runs) {
  const size_t line = d->stride_h * plan->pitch;
  size_t made = 0;
  for (size_t i = 0; i < count; made++) {
    const size_t y = (pixel + i) / plan->out_w, x = (pixel + i) % plan->out_w;
    const size_t left = plan->out_w - x;
    runs[made] = (dg_grouped_run){i, left < count - i ? left : count - i, y * line + x};
    i += runs[made].count;
  }
  return made;
}

/** The columns of a phase in a padded line that are inside the image. */
typedef struct {
  size_t begin, end, first; /**< first: the column of the image at `begin` */
} inside;

static inside columns_of(const dg_grouped_conv2d_desc *d, const dg_grouped_plan *plan,
                         size_t phase) {
  const size_t stride = d->stride_w, pad = d->pad_w, right = pad + d->width;
  const size_t begin = phase < pad ? (pad - phase + stride - 1) / stride : 0;
  const size_t end = phase < right ? (right - phase + stride - 1) / stride : 0;
  const size_t most = plan->phase_pitch;
  const inside in = {begin < most ? begin : most, end < most ? end : most,
                     begin * stride + phase - pad};
  return in.begin < in.end ? in : (inside){most, most, 0};
}

static void pad_line(const dg_grouped_conv2d_desc *d, const dg_grouped_plan *plan, const float *x,
                     float *line) {
  for (size_t phase = 0; phase < d->stride_w; phase++, line += plan->phase_pitch) {
    const inside in = columns_of(d, plan, phase);
    memset(line, 0, in.begin * sizeof *line);
    if (d->stride_w == 1)
      memcpy(line + in.begin, x + in.first, (in.end - in.begin) * sizeof *line);
    else
      for (size_t q = in.begin; q < in.end; q++)
        line[q] = x[in.first + (q - in.begin) * d->stride_w];
    memset(line + in.end, 0, (plan->phase_pitch - in.end) * sizeof *line);
  }
}

void dg_grouped_pad(const dg_grouped_conv2d_desc *d, const dg_grouped_plan *plan, const float *x,
                    float *padded) {
  for (size_t line = 0; line < plan->lines; line++) {
    float *to = padded + line * plan->pitch;
    if (line >= d->pad_h && line - d->pad_h < d->height)
      pad_line(d, plan, x + (line - d->pad_h) * d->width, to);
    else
      memset(to, 0, plan->pitch * sizeof *to);
  }
}

static void unpad_line(const dg_grouped_conv2d_desc *d, const dg_grouped_plan *plan,
                       dg_grad_mode mode, const float *line, float *x) {
  for (size_t phase = 0; phase < d->stride_w; phase++, line += plan->phase_pitch) {
    const inside in = columns_of(d, plan, phase);
    float *to = x + in.first;
    if (d->stride_w == 1)
      dg_grad_store(mode, in.end - in.begin, line + in.begin, to);
    else
      for (size_t q = in.begin; q < in.end; q++, to += d->stride_w)
        *to = mode == DG_GRAD_ADD ? *to + line[q] : line[q];
  }
}

void dg_grouped_unpad(const dg_grouped_conv2d_desc *d, const dg_grouped_plan *plan,
                      dg_grad_mode mode, const float *padded, float *x) {
  for (size_t y = 0; y < d->height; y++) {
    float *row = x + y * d->width;
    if (mode == DG_GRAD_WRITE) memset(row, 0, d->width * sizeof *row);
    if (y + d->pad_h < plan->lines)
      unpad_line(d, plan, mode, padded + (y + d->pad_h) * plan->pitch, row);
  }
}
