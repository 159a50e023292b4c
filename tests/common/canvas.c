#include "tests/common/canvas.h"

#include <check.h>
#include <math.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "core/base/philox.h"

canvas canvas_new(uint32_t height, uint32_t width) {
  canvas c = {height, width, calloc((size_t)height * width, sizeof *c.ink)};
  ck_assert_ptr_nonnull(c.ink);
  return c;
}

void canvas_free(canvas *c) {
  free(c->ink);
  *c = (canvas){0};
}

void canvas_fill(canvas *c, uint32_t top, uint32_t left, uint32_t height, uint32_t width) {
  for (uint32_t y = top; y < top + height; y++)
    for (uint32_t x = left; x < left + width; x++) c->ink[(size_t)y * c->width + x] = 1;
}

/** Interpolates an image between its pixels; 0 outside. */
static double sample(const uint8_t *image, uint32_t side, double y, double x) {
  double sum = 0, row = floor(y), column = floor(x);
  for (int i = 0; i < 4; i++) {
    double at_y = row + i / 2, at_x = column + i % 2;
    double share = (1 - fabs(y - at_y)) * (1 - fabs(x - at_x));
    if (at_y >= 0 && at_y < side && at_x >= 0 && at_x < side)
      sum += share * image[(size_t)at_y * side + (size_t)at_x];
  }
  return sum / 255;
}

void canvas_paint(canvas *c, const uint8_t *image, uint32_t side, double times, double angle,
                  uint32_t top, uint32_t left) {
  double turn = angle * acos(-1) / 180, middle = side / 2.0;
  uint32_t size = (uint32_t)lrint(side * times);
  for (uint32_t y = 0; y < size && top + y < c->height; y++)
    for (uint32_t x = 0; x < size && left + x < c->width; x++) {
      double dy = (y + 0.5) / times - middle, dx = (x + 0.5) / times - middle;
      double from_y = cos(turn) * dy + sin(turn) * dx + middle - 0.5;
      double from_x = cos(turn) * dx - sin(turn) * dy + middle - 0.5;
      float *ink = &c->ink[(size_t)(top + y) * c->width + left + x];
      *ink = fmaxf(*ink, (float)sample(image, side, from_y, from_x));
    }
}

void canvas_blur(canvas *c, uint32_t reach) {
  canvas from = canvas_new(c->height, c->width);
  int r = (int)reach;
  memcpy(from.ink, c->ink, (size_t)c->height * c->width * sizeof *c->ink);
  for (int y = 0; y < (int)c->height; y++)
    for (int x = 0; x < (int)c->width; x++) {
      float sum = 0;
      for (int row = y - r; row <= y + r; row++)
        for (int column = x - r; column <= x + r; column++)
          if (row >= 0 && row < (int)c->height && column >= 0 && column < (int)c->width)
            sum += from.ink[row * (int)c->width + column];
      c->ink[y * (int)c->width + x] = sum / (float)((2 * r + 1) * (2 * r + 1));
    }
  canvas_free(&from);
}

dg_picture canvas_picture(const canvas *c, const canvas_light *light) {
  dg_picture picture = {c->height, c->width, malloc((size_t)c->height * c->width)};
  dg_random random = dg_random_start(1, 0, 0, 0);
  ck_assert_ptr_nonnull(picture.pixels);
  for (uint32_t y = 0; y < c->height; y++)
    for (uint32_t x = 0; x < c->width; x++) {
      size_t at = (size_t)y * c->width + x;
      double right = (x + 0.5) / c->width;
      double paper = light->paper_left + right * (light->paper_right - light->paper_left);
      double ink = light->ink_left + right * (light->ink_right - light->ink_left);
      double noise = light->noise * (dg_random_below(&random, 2001) / 1000.0 - 1);
      double gray = paper + (ink - paper) * (double)c->ink[at] + noise;
      picture.pixels[at] = (uint8_t)lrint(fmin(fmax(gray, 0), 255));
    }
  return picture;
}

void canvas_write_png(const dg_picture *picture, const char *path) {
  png_image image = {.version = PNG_IMAGE_VERSION,
                     .width = picture->width,
                     .height = picture->height,
                     .format = PNG_FORMAT_GRAY};
  ck_assert_msg(png_image_write_to_file(&image, path, 0, picture->pixels, 0, NULL), "%s",
                image.message);
}

void canvas_write_jpeg(const dg_picture *picture, int quality, const char *path) {
  unsigned char *bytes = NULL;
  unsigned long size = 0;
  tjhandle handle = tjInitCompress();
  ck_assert_int_eq(tjCompress2(handle, picture->pixels, (int)picture->width, 0,
                               (int)picture->height, TJPF_GRAY, &bytes, &size, TJSAMP_GRAY, quality,
                               0),
                   0);
  FILE *file = fopen(path, "wb");
  ck_assert(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
  tjFree(bytes);
  tjDestroy(handle);
}

void canvas_write_pgm(const dg_picture *picture, const char *path) {
  size_t size = (size_t)picture->height * picture->width;
  FILE *file = fopen(path, "wb");
  ck_assert(file && fprintf(file, "P5\n# made by a test\n%u %u\n255\n", picture->width,
                            picture->height) > 0);
  ck_assert(fwrite(picture->pixels, 1, size, file) == size && fclose(file) == 0);
}
