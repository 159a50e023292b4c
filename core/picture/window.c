/**
 * Minimum and maximum of a moving window, in a time that does not depend on its size (M. van Herk,
 * "A fast algorithm for local minimum and maximum filters on rectangular and octagonal kernels",
 * 1992): a line is cut into blocks of the window's length; the minimum of a window is that of the
 * end of one block and the beginning of the next.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/picture/ink.h"

/** Scratch lines of a pass, `size` bytes each. */
typedef struct {
  uint8_t *line, *forward, *backward;
  size_t size;
} scratch;

static uint8_t lesser(uint8_t a, uint8_t b) {
  return a < b ? a : b;
}

/** Replaces `count` pixels, `apart` from each other, by the minimum of the windows around them. */
static void pass(uint8_t *pixels, size_t count, size_t apart, size_t reach, const scratch *s) {
  size_t window = 2 * reach + 1, padded = (count + 2 * reach + window - 1) / window * window;
  for (size_t i = 0; i < padded; i++)
    s->line[i] = i >= reach && i < count + reach ? pixels[(i - reach) * apart] : UINT8_MAX;
  for (size_t i = 0; i < padded; i++) {
    s->forward[i] = i % window ? lesser(s->forward[i - 1], s->line[i]) : s->line[i];
    size_t j = padded - 1 - i;
    s->backward[j] = i % window ? lesser(s->backward[j + 1], s->line[j]) : s->line[j];
  }
  for (size_t i = 0; i < count; i++)
    pixels[i * apart] = lesser(s->backward[i], s->forward[i + window - 1]);
}

bool dg_window_least(uint8_t *pixels, uint32_t height, uint32_t width, uint32_t reach,
                     dg_error *err) {
  size_t longer = height > width ? height : width;
  scratch s = {.size = longer + 4 * (size_t)reach + 2};
  s.line = malloc(3 * s.size);
  if (!s.line) return dg_fail_memory(err, 3 * s.size);
  s.forward = s.line + s.size;
  s.backward = s.forward + s.size;
  for (uint32_t y = 0; y < height; y++) pass(pixels + (size_t)y * width, width, 1, reach, &s);
  for (uint32_t x = 0; x < width; x++) pass(pixels + x, height, width, reach, &s);
  free(s.line);
  return true;
}

static void invert(uint8_t *pixels, size_t count) {
  for (size_t i = 0; i < count; i++) pixels[i] = (uint8_t)(UINT8_MAX - pixels[i]);
}

bool dg_window_largest(uint8_t *pixels, uint32_t height, uint32_t width, uint32_t reach,
                       dg_error *err) {
  size_t count = (size_t)height * width;
  invert(pixels, count);
  if (!dg_window_least(pixels, height, width, reach, err)) return false;
  invert(pixels, count);
  return true;
}

/** Copies an image into the middle of a larger one; the margin repeats the pixels at its edge. */
static void pad(const uint8_t *pixels, uint32_t height, uint32_t width, uint32_t reach,
                uint8_t *padded) {
  size_t row = width + 2 * (size_t)reach;
  for (uint32_t y = 0; y < height; y++) {
    uint8_t *to = padded + (y + (size_t)reach) * row;
    memset(to, pixels[(size_t)y * width], reach);
    memcpy(to + reach, pixels + (size_t)y * width, width);
    memset(to + reach + width, to[reach + width - 1], reach);
  }
  for (uint32_t y = 0; y < reach; y++) {
    memcpy(padded + y * row, padded + reach * row, row);
    memcpy(padded + ((size_t)reach + height + y) * row, padded + ((size_t)reach + height - 1) * row,
           row);
  }
}

bool dg_window_open(uint8_t *pixels, uint32_t height, uint32_t width, uint32_t reach,
                    dg_error *err) {
  uint32_t down = height + 2 * reach, across = width + 2 * reach;
  uint8_t *padded = malloc((size_t)down * across);
  if (!padded) return dg_fail_memory(err, (size_t)down * across);
  pad(pixels, height, width, reach, padded);
  bool ok = dg_window_least(padded, down, across, reach, err) &&
            dg_window_largest(padded, down, across, reach, err);
  for (uint32_t y = 0; ok && y < height; y++)
    memcpy(pixels + (size_t)y * width, padded + (y + (size_t)reach) * across + reach, width);
  free(padded);
  return ok;
}
