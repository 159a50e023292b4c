#include "core/picture/formats/turn.h"

#include <stdlib.h>

#include "core/base/error.h"

bool dg_picture_turn(dg_picture *picture, unsigned how, unsigned bytes_a_pixel, dg_error *err) {
  bool across = how >= 5;
  bool bottom_first = how == 3 || how == 4 || how == 6 || how == 7;
  bool right_first = how == 2 || how == 3 || how == 7 || how == 8;
  if (how <= 1) return true;
  uint32_t height = picture->height, width = picture->width;
  const size_t bytes = (size_t)height * width * bytes_a_pixel;
  dg_picture turned = {across ? width : height, across ? height : width, malloc(bytes)};
  if (!turned.pixels) return dg_fail_memory(err, bytes);
  uint8_t *to = turned.pixels;
  for (uint32_t row = 0; row < turned.height; row++)
    for (uint32_t column = 0; column < turned.width; column++) {
      uint32_t y = across ? column : row, x = across ? row : column;
      if (bottom_first) y = height - 1 - y;
      if (right_first) x = width - 1 - x;
      const uint8_t *from = picture->pixels + ((size_t)y * width + x) * bytes_a_pixel;
      for (unsigned b = 0; b < bytes_a_pixel; b++) *to++ = from[b];
    }
  dg_picture_free(picture);
  *picture = turned;
  return true;
}
