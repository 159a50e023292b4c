#include "backends/opencl/runtime/tuning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/opencl/runtime/program.h"
#include "core/base/cache.h"
#include "core/base/text.h"

dg_cl_tuning dg_cl_tuning_default(const dg_cl_device *device) {
  dg_cl_tuning tuning = {.own_linear = 0};
  size_t count;
  for (int i = 0; i < DG_CL_TILED; i++) tuning.tiles[i] = *dg_cl_tile_choices(device, i, &count);
  return tuning;
}

/* Adds settings that differ from the defaults to the device's info. */
static void add_note(dg_cl_device *device, const char *kernel, const char *tile) {
  char *text = device->base.info.tuned;
  dg_append(text, sizeof device->base.info.tuned, "%s%s %s", *text ? "; " : "", kernel, tile);
}

void dg_cl_tuning_use(dg_cl_device *device, const dg_cl_tuning *tuning) {
  const dg_cl_tuning usual = dg_cl_tuning_default(device);
  device->base.info.tuned[0] = '\0';
  for (int i = 0; i < DG_CL_TILED; i++) {
    char text[DG_CL_TILE_TEXT];
    device->tiles[i] = tuning->tiles[i];
    dg_cl_tile_text(tuning->tiles[i], text);
    if (!dg_cl_tile_is(tuning->tiles[i], usual.tiles[i]))
      add_note(device, dg_cl_tiled_name(i), text);
  }
  device->blast = tuning->own_linear ? DG_CL_BLAST_NEVER : device->usual_blast;
  if (tuning->own_linear) add_note(device, "linear", "without CLBlast");
}

/* ---- on disk ------------------------------------------------------------ */

/* Everything that the tuned settings depend on: the device, its form, and the kernels. */
static char *key_of(const dg_cl_device *device) {
  dg_cl_program_text text;
  dg_cl_program_find(device, DG_CL_GEMM, &text);
  snprintf(text.options, sizeof text.options, "%s, CLBlast %d",
           device->form == DG_CL_TILE ? "tile" : "group", device->usual_blast);
  return dg_cl_device_key(device, "tiles", &text);
}

static bool is_choice(const dg_cl_device *device, dg_cl_tiled which, dg_cl_tile tile) {
  size_t count;
  const dg_cl_tile *choices = dg_cl_tile_choices(device, which, &count);
  for (size_t i = 0; i < count; i++)
    if (dg_cl_tile_is(tile, choices[i])) return true;
  return count == 0 && dg_cl_tile_is(tile, (dg_cl_tile){0});
}

static bool is_possible(const dg_cl_device *device, const dg_cl_tuning *tuning) {
  for (int i = 0; i < DG_CL_TILED; i++)
    if (!is_choice(device, i, tuning->tiles[i])) return false;
  return tuning->own_linear <= (device->usual_blast == DG_CL_BLAST_LARGE);
}

void dg_cl_tuning_load(dg_cl_device *device) {
  dg_cl_tuning tuning = dg_cl_tuning_default(device), found;
  size_t size;
  char *key = key_of(device), *kept = key ? dg_cache_get(key, &size) : NULL;
  if (kept && size == sizeof found) {
    memcpy(&found, kept, sizeof found);
    if (is_possible(device, &found)) tuning = found;
  }
  free(kept);
  free(key);
  dg_cl_tuning_use(device, &tuning);
}

bool dg_cl_tuning_keep(const dg_cl_device *device, const dg_cl_tuning *tuning) {
  char *key = key_of(device);
  bool kept = key && dg_cache_put(key, tuning, sizeof *tuning);
  free(key);
  return kept;
}
