#include "backends/opencl/runtime/tiles.h"

#include <stdio.h>

#include "core/base/text.h"

enum { MOST_CHOICES = 8 };

/* For 32 registers of 16 numbers (AVX-512), for 16 or 32 of 8 (AVX2), and for those of 4. */
static const dg_cl_tile tile_choices[DG_CL_TILED][MOST_CHOICES] = {
    [DG_CL_OUTER] =
        {{4, 5, 0}, {6, 1, 0}, {4, 1, 0}, {3, 2, 0}, {8, 3, 0}, {6, 4, 0}, {8, 1, 0}, {2, 1, 0}},
    [DG_CL_INNER] =
        {{3, 8, 0}, {1, 4, 0}, {2, 4, 0}, {3, 4, 0}, {2, 8, 0}, {1, 8, 0}, {4, 4, 0}, {5, 4, 0}},
    [DG_CL_TAPS] =
        {{12, 2, 0}, {6, 1, 0}, {5, 1, 0}, {4, 1, 0}, {8, 2, 0}, {14, 2, 0}, {12, 1, 0}, {3, 2, 0}},
};

/* Few sums if many work-groups are to be busy, many if memory is slow. */
static const dg_cl_tile group_choices[DG_CL_TILED][MOST_CHOICES] = {
    [DG_CL_OUTER] =
        {{4, 4, 16}, {4, 4, 8}, {2, 4, 16}, {2, 2, 16}, {8, 4, 16}, {4, 8, 8}, {8, 8, 8}},
    [DG_CL_INNER] =
        {{4, 4, 16}, {4, 4, 8}, {2, 4, 16}, {2, 2, 16}, {2, 2, 32}, {4, 8, 8}, {8, 8, 8}},
};

const char *dg_cl_tiled_name(dg_cl_tiled which) {
  static const char *const names[] = {"outer", "inner", "taps"};
  return names[which];
}

const dg_cl_tile *dg_cl_tile_choices(const dg_cl_device *device, dg_cl_tiled which, size_t *count) {
  const dg_cl_tile *choices =
      device->form == DG_CL_TILE ? tile_choices[which] : group_choices[which];
  for (*count = 0; *count < MOST_CHOICES && choices[*count].rows;) ++*count;
  return choices;
}

bool dg_cl_tile_is(dg_cl_tile a, dg_cl_tile b) {
  return a.rows == b.rows && a.columns == b.columns && a.depth == b.depth;
}

void dg_cl_tile_text(dg_cl_tile tile, char text[DG_CL_TILE_TEXT]) {
  snprintf(text, DG_CL_TILE_TEXT, "%u x %u", tile.rows, tile.columns);
  if (tile.depth) dg_append(text, DG_CL_TILE_TEXT, ", depth %u", tile.depth);
}

void dg_cl_tile_options(const dg_cl_device *device, char options[DG_CL_TILE_OPTIONS]) {
  static const char *const names[] = {"OUTER", "INNER", "TAP"};
  options[0] = '\0';
  for (int i = 0; i < DG_CL_TILED; i++) {
    const dg_cl_tile tile = device->tiles[i];
    if (tile.rows)
      dg_append(options, DG_CL_TILE_OPTIONS, " -D%s_ROWS=%u -D%s_COLUMNS=%u", names[i], tile.rows,
                names[i], tile.columns);
    if (tile.depth) dg_append(options, DG_CL_TILE_OPTIONS, " -D%s_DEPTH=%u", names[i], tile.depth);
  }
}
