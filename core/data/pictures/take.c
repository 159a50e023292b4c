#include "core/data/pictures/take.h"

#include <stdlib.h>

#include "core/base/file/file.h"
#include "core/data/pictures/planes.h"
#include "core/picture/formats/colours.h"
#include "core/picture/scale.h"

const char *const dg_picture_extensions[] = {".png", ".jpg", ".jpeg", ".pgm", NULL};

unsigned dg_picture_depth(const dg_dataset_options *options, uint32_t channels) {
  return options->type == DG_NUMBERS_FLOATS ? 2 : channels == 3;
}

bool dg_picture_take(dg_picture *picture, const char *path, unsigned depth,
                     const dg_dataset_options *options, dg_error *err) {
  enum { MAX_BYTES = 1 << 29 };
  const dg_picture_options how = {sizeof how, options->note, options->user};
  size_t size;
  char *bytes = dg_file_read(path, MAX_BYTES, &size, err);
  const bool ok = bytes && (depth ? dg_colours_decode(picture, bytes, size, path, depth, &how, err)
                                  : dg_picture_decode_with(picture, bytes, size, path, &how, err));
  free(bytes);
  return ok;
}

bool dg_picture_to_sample(uint8_t *sample, const dg_sample_kind *kind, const dg_picture *picture,
                          unsigned depth, dg_error *err) {
  return depth ? dg_planes_take(sample, kind, picture, depth, err)
               : dg_scale(picture->pixels, picture->height, picture->width, sample,
                          kind->shape.dim[1], kind->shape.dim[2], err);
}
