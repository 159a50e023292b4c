#include "backends/cpu/conv2d/conv2d_epilogue.h"

#include <string.h>

#include "backends/cpu/elementwise/act.h"
#include "backends/cpu/pool/pool2d.h"

/** Windows processed at a time. */
enum { BLOCK = 16 };

bool dg_conv_epilogue_supported(const dg_conv2d_desc *d) {
  enum { MOST = 16 }; /* so that an index in a window fits a byte */
  dg_conv_epilogue e = dg_conv_epilogue_of(d);
  bool moved = d->pool > 0 || d->drop.rate > 0; /* the statistics are computed before these */
  return !(d->statistics && moved) && dg_act_supported(d->act) &&
         dg_drop_supported(d->drop, d->act) && d->pool <= MOST && dg_conv_epilogue_plane(&e) > 0;
}

dg_conv_epilogue dg_conv_epilogue_of(const dg_conv2d_desc *d) {
  size_t height = dg_window_out(d->height, d->kernel_h, d->stride_h, d->pad_h);
  size_t width = dg_window_out(d->width, d->kernel_w, d->stride_w, d->pad_w);
  size_t by = d->pool ? d->pool : 1;
  return (dg_conv_epilogue){.planes = d->filters,
                            .height = height,
                            .width = width,
                            .pool = d->pool,
                            .out_h = height / by,
                            .out_w = width / by,
                            .act = d->act,
                            .drop = d->drop};
}

size_t dg_conv_epilogue_sums(const dg_conv_epilogue *e) {
  return e->pool ? dg_round_up(e->planes * e->height * e->width + BLOCK) : 0;
}

/** Floats for the columns of a plane's windows; there are at least as many columns as windows. */
static size_t columns_floats(const dg_conv_epilogue *e) {
  return dg_round_up(e->out_h * e->out_w * e->pool + BLOCK);
}

size_t dg_conv_epilogue_scratch(const dg_conv_epilogue *e) {
  return e->pool ? 2 * columns_floats(e) : 0;
}

size_t dg_conv_epilogue_slack(const dg_conv_epilogue *e) {
  return BLOCK * e->pool;
}

/* ---- forward ------------------------------------------------------------ */

/** The maxima of BLOCK columns of `pool` numbers, `row` apart; place: pool * the row of each. */
static inline void max_columns(size_t pool, const float *x, size_t row, float *restrict value,
                               int32_t *restrict place) {
  for (size_t i = 0; i < BLOCK; i++) {
    float best = x[i];
    int32_t best_place = 0;
    for (size_t r = 1; r < pool; r++) {
      bool take = dg_is_larger(x[r * row + i], best);
      best = take ? x[r * row + i] : best;
      best_place = take ? (int32_t)(r * pool) : best_place;
    }
    value[i] = best;
    place[i] = best_place;
  }
}

/** Outputs from the columns of their windows, with the index in the window of the first maximum. */
static inline void max_windows(size_t pool, size_t count, const float *restrict value,
                               const int32_t *restrict place, float *restrict y,
                               uint8_t *restrict saved) {
  for (size_t i = 0; i < count; i++) {
    float best = value[i * pool];
    int32_t best_place = place[i * pool];
    for (size_t c = 1; c < pool; c++) {
      float x = value[i * pool + c];
      int32_t x_place = place[i * pool + c] + (int32_t)c;
      bool take = dg_is_larger(x, best) | (dg_is_equal(x, best) & (x_place < best_place));
      best = take ? x : best;
      best_place = take ? x_place : best_place;
    }
    y[i] = best;
    saved[i] = (uint8_t)best_place;
  }
}

/** Pools one plane. A block of columns may write past the end of its line; the next line overwrites
    that. */
static inline void pool_plane(const dg_conv_epilogue *e, size_t pool, const float *x,
                              float *scratch, float *y, uint8_t *saved) {
  size_t line = pool * e->out_w;
  float *value = scratch;
  int32_t *place = (int32_t *)(scratch + columns_floats(e));
  for (size_t oy = 0; oy < e->out_h; oy++)
    for (size_t i = 0; i < line; i += BLOCK)
      max_columns(pool, x + oy * pool * e->width + i, e->width, value + oy * line + i,
                  place + oy * line + i);
  max_windows(pool, e->out_h * e->out_w, value, place, y, saved);
}

static inline float larger(float a, float b) {
  return dg_is_larger(a, b) ? a : b;
}

/** The same without the indices of the maxima. */
static inline void test_plane(const dg_conv_epilogue *e, size_t pool, const float *x,
                              float *restrict value, float *restrict y) {
  size_t line = pool * e->out_w;
  for (size_t oy = 0; oy < e->out_h; oy++, x += pool * e->width, value += line)
    for (size_t first = 0; first < line; first += BLOCK)
      for (size_t i = first; i < first + BLOCK; i++) {
        value[i] = x[i];
        for (size_t r = 1; r < pool; r++) value[i] = larger(x[r * e->width + i], value[i]);
      }
  value -= line * e->out_h;
  for (size_t i = 0; i < e->out_h * e->out_w; i++) {
    y[i] = value[i * pool];
    for (size_t c = 1; c < pool; c++) y[i] = larger(value[i * pool + c], y[i]);
  }
}

/**
 * The max pooling comes after the activation. Activations are non-decreasing, so pooling first
 * would give the same maximum; but if the activation rounds two numbers to the same value, the
 * gradient could go to another element.
 */
static void pool_planes(const dg_conv_epilogue *e, dg_span planes, const float *sums,
                        float *scratch, float *out, uint8_t *saved) {
  size_t plane = dg_conv_epilogue_plane(e);
  for (size_t p = planes.begin; p < planes.end; p++) {
    const float *x = sums + p * e->height * e->width;
    if (saved && e->pool == 2)
      pool_plane(e, 2, x, scratch, out + p * plane, saved + p * plane);
    else if (saved)
      pool_plane(e, e->pool, x, scratch, out + p * plane, saved + p * plane);
    else if (e->pool == 2)
      test_plane(e, 2, x, scratch, out + p * plane);
    else
      test_plane(e, e->pool, x, scratch, out + p * plane);
  }
}

void dg_conv_epilogue_dropout(const dg_conv_epilogue *e, const dg_step *step, size_t sample,
                              dg_span planes, float *out) {
  size_t plane = dg_conv_epilogue_plane(e), first = planes.begin * plane;
  if (!dg_drop_runs(e->drop, step)) return;
  dg_mask mask = dg_mask_of(e->drop, step);
  dg_mask_apply(&mask, sample, first, planes.end * plane - first, out + first, out + first, NULL);
}

void dg_conv_epilogue_apply(const dg_conv_epilogue *e, const dg_step *step, size_t sample,
                            dg_span planes, const float *sums, float *scratch, float *out,
                            uint8_t *saved) {
  if (e->pool) pool_planes(e, planes, sums, scratch, out, saved);
  dg_conv_epilogue_dropout(e, step, sample, planes, out);
}

/* ---- backward ----------------------------------------------------------- */

/** Row r of BLOCK windows: the gradient of each window at its maximum, else 0. */
static inline void unpool_row(size_t pool, size_t r, const float *restrict d,
                              const int32_t *restrict place, float *restrict to) {
  for (size_t i = 0; i < BLOCK; i++)
    for (size_t c = 0; c < pool; c++)
      to[i * pool + c] = place[i] == (int32_t)(r * pool + c) ? d[i] : 0;
}

/** A block of windows may write past the end of its row; the next row, written later, overwrites
    that. */
static inline void unpool_plane(const dg_conv_epilogue *e, size_t pool, const float *d,
                                const int32_t *place, float *d_z) {
  size_t used = pool * e->out_w;
  for (size_t oy = 0; oy < e->out_h; oy++)
    for (size_t r = 0; r < pool; r++) {
      float *row = d_z + (oy * pool + r) * e->width;
      for (size_t i = 0; i < e->out_w; i += BLOCK)
        unpool_row(pool, r, d + oy * e->out_w + i, place + oy * e->out_w + i, row + i * pool);
      for (size_t x = used; x < e->width; x++) row[x] = 0;
    }
  size_t written = e->out_h * pool * e->width;
  memset(d_z + written, 0, (e->height * e->width - written) * sizeof *d_z);
}

void dg_conv_epilogue_backward(const dg_conv_epilogue *e, const float *y, const float *d_y,
                               const uint8_t *saved, float *scratch, float *d_z) {
  size_t count = dg_conv_epilogue_plane(e);
  float scale = dg_drop_scale(e->drop), *d = e->pool ? scratch : d_z;
  dg_act_backward(e->act, count, y, d_y, d);
  for (size_t i = 0; i < count && scale > 1; i++) d[i] *= scale;
  if (!e->pool) return;
  int32_t *place = (int32_t *)(scratch + columns_floats(e));
  for (size_t i = 0; i < count; i++) place[i] = saved[i];
  if (e->pool == 2)
    unpool_plane(e, 2, d, place, d_z);
  else
    unpool_plane(e, e->pool, d, place, d_z);
}
