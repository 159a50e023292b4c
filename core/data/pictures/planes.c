#include "core/data/pictures/planes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/picture/scale.h"

/** A colour of a pixel; of one plane its luma (ITU-R BT.601). */
static uint32_t value_of(const uint8_t *pixel, unsigned depth, uint32_t planes, uint32_t plane) {
  uint32_t rgb[3];
  for (unsigned c = 0; c < 3; c++)
    rgb[c] = depth == 2 ? (uint32_t)pixel[2 * c] << 8 | pixel[2 * c + 1] : pixel[c];
  if (planes > 1) return rgb[plane];
  return (uint32_t)((19595ull * rgb[0] + 38470ull * rgb[1] + 7471ull * rgb[2] + 32768) >> 16);
}

/** Scales one byte of a plane's numbers: `shift` 8 for the high one. */
static bool scale_bytes(float *out, uint8_t *bytes, const dg_picture *p, unsigned depth,
                        unsigned shift, uint32_t plane, const dg_shape *shape, dg_error *err) {
  const size_t count = (size_t)p->height * p->width;
  for (size_t i = 0; i < count; i++)
    bytes[i] = (uint8_t)(value_of(p->pixels + i * 3 * depth, depth, shape->dim[0], plane) >> shift);
  return dg_scale_part(bytes, p->width, &(dg_stretch){0, p->height, shape->dim[1]},
                       &(dg_stretch){0, p->width, shape->dim[2]}, out, err);
}

/** Makes a plane. Scaling is linear, so that of 16 bits is that of both bytes. */
static bool take_plane(uint8_t *sample, const dg_sample_kind *kind, const dg_picture *p,
                       unsigned depth, uint32_t plane, uint8_t *bytes, float *scaled,
                       dg_error *err) {
  const size_t size = (size_t)kind->shape.dim[1] * kind->shape.dim[2];
  float *high = scaled, *low = scaled + size;
  if (!scale_bytes(low, bytes, p, depth, 0, plane, &kind->shape, err)) return false;
  if (depth == 2 && !scale_bytes(high, bytes, p, depth, 8, plane, &kind->shape, err)) return false;
  for (size_t i = 0; i < size; i++) {
    const size_t at = plane * size + i;
    const float value = fminf((256 * high[i] + low[i]) / UINT16_MAX, 1);
    if (kind->type == DG_NUMBERS_FLOATS)
      memcpy(sample + at * sizeof value, &value, sizeof value);
    else
      sample[at] = (uint8_t)lrintf(fminf(low[i], UINT8_MAX));
  }
  return true;
}

bool dg_planes_take(uint8_t *sample, const dg_sample_kind *kind, const dg_picture *p,
                    unsigned depth, dg_error *err) {
  const size_t size = (size_t)kind->shape.dim[1] * kind->shape.dim[2];
  uint8_t *bytes = malloc((size_t)p->height * p->width);
  float *scaled = calloc(2 * size, sizeof *scaled);
  bool ok = (bytes && scaled) || dg_fail_memory(err, 2 * size * sizeof *scaled);
  for (uint32_t plane = 0; ok && plane < kind->shape.dim[0]; plane++)
    ok = take_plane(sample, kind, p, depth, plane, bytes, scaled, err);
  free(bytes);
  free(scaled);
  return ok;
}
