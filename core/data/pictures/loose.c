#include "core/data/pictures/loose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/error.h"
#include "core/base/file/entries.h"
#include "core/base/file/input.h"
#include "core/base/file/target.h"
#include "core/base/numbers.h"
#include "core/data/pictures/take.h"

struct dg_loose_pictures {
  char *path; /**< the folder, or the only picture */
  bool folder;
  dg_entries files;
  const dg_dataset_options *options;
  dg_shape shape;      /**< the model's input */
  dg_sample_kind kind; /**< pictures that have as many numbers */
};

static bool is_folder(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/** Does a file begin like a PNG, JPEG or PGM file? The last one's mark may be the name of a table's
    column, too, but then no number or comment follows. */
static bool has_magic(const char *path) {
  static const char png[] = "\x89PNG", jpeg[] = "\xff\xd8\xff";
  char head[4] = "";
  if (dg_input_head(path, head, sizeof head) < sizeof head) return false;
  return memcmp(head, png, sizeof png - 1) == 0 || memcmp(head, jpeg, sizeof jpeg - 1) == 0 ||
         (head[0] == 'P' && (head[1] == '2' || head[1] == '5') && head[2] && head[3] &&
          strchr(" \t\r\n", head[2]) && strchr(" \t\r\n#0123456789", head[3]));
}

bool dg_is_loose_pictures(const char *path) {
  dg_entries folders = {0}, files = {0};
  if (is_folder(path)) {
    const bool found = dg_list_folders(&folders, path, NULL) && folders.count == 0 &&
                       dg_list_files(&files, path, dg_picture_extensions, NULL) && files.count > 0;
    dg_entries_free(&folders);
    dg_entries_free(&files);
    return found;
  }
  const size_t length = strlen(path);
  for (const char *const *end = dg_picture_extensions; *end; end++)
    if (length > strlen(*end) && strcasecmp(path + length - strlen(*end), *end) == 0) return true;
  return has_magic(path);
}

/** Chooses the kind of pictures that give the numbers of an input. */
static bool find_kind(dg_loose_pictures *p, dg_error *err) {
  const dg_dataset_options *o = p->options;
  char text[64];
  const uint32_t side = (uint32_t)lround(sqrt((double)o->dim[0]));
  p->shape = (dg_shape){o->rank, {o->dim[0], o->dim[1], o->dim[2]}};
  p->kind = (dg_sample_kind){.shape = {3, {1, o->dim[0], o->dim[1]}}, .type = o->type};
  if (o->rank == 3) p->kind.shape = p->shape;
  if (o->rank == 1) p->kind.shape = (dg_shape){3, {1, side, side}};
  const uint32_t channels = p->kind.shape.dim[0];
  if (o->rank && (channels == 1 || channels == 3) &&
      dg_shape_count(&p->kind.shape) == dg_shape_count(&p->shape))
    return true;
  return dg_fail(err, DG_ERR_INPUT,
                 "%s: pictures are gray or have three colours, but the network takes %s", p->path,
                 o->rank ? dg_shape_text(&p->shape, text, sizeof text) : "samples of any shape");
}

/** Lists the files; a picture alone is the only one. */
static bool find_files(dg_loose_pictures *p, dg_error *err) {
  if (p->folder) return dg_list_files(&p->files, p->path, dg_picture_extensions, err);
  char *name = strdup(dg_last_name(p->path));
  p->files.name = calloc(1, sizeof *p->files.name);
  if (!name || !p->files.name) return free(name), dg_fail_memory(err, strlen(p->path));
  p->files.name[0] = name;
  p->files.count = 1;
  return true;
}

dg_loose_pictures *dg_loose_open(const char *path, const dg_dataset_options *options,
                                 dg_error *err) {
  dg_loose_pictures *p = calloc(1, sizeof *p);
  if (!p) return dg_fail_memory(err, sizeof *p), NULL;
  p->options = options;
  p->path = strdup(path);
  if (!p->path) dg_fail_memory(err, strlen(path));
  p->folder = is_folder(path);
  bool ok = p->path && find_kind(p, err) && find_files(p, err);
  if (ok && p->files.count > UINT32_MAX)
    ok = dg_fail(err, DG_ERR_INPUT, "%s: too many pictures are in it", path);
  if (ok) return p;
  dg_loose_close(p);
  return NULL;
}

void dg_loose_close(dg_loose_pictures *p) {
  if (!p) return;
  dg_entries_free(&p->files);
  free(p->path);
  free(p);
}

uint32_t dg_loose_count(const dg_loose_pictures *p) {
  return (uint32_t)p->files.count;
}

dg_shape dg_loose_shape(const dg_loose_pictures *p) {
  return p->shape;
}

const char *dg_loose_name(const dg_loose_pictures *p, uint32_t i) {
  return p->folder || strncmp(p->path, "/dev/", 5) != 0 ? p->files.name[i] : NULL;
}

static bool read_one(const dg_loose_pictures *p, uint32_t i, uint8_t *sample, dg_error *err) {
  dg_picture picture;
  const unsigned depth = dg_picture_depth(p->options, p->kind.shape.dim[0]);
  char *path = p->folder ? dg_path_join(p->path, p->files.name[i], err) : strdup(p->path);
  if (!path) return dg_fail_memory(err, strlen(p->path));
  bool ok = dg_picture_take(&picture, path, depth, p->options, err);
  free(path);
  if (!ok) return false;
  ok = dg_picture_to_sample(sample, &p->kind, &picture, depth, err);
  dg_picture_free(&picture);
  return ok;
}

bool dg_loose_read(const dg_loose_pictures *p, uint32_t first, uint32_t count, dg_samples *samples,
                   dg_error *err) {
  const size_t each = dg_input_bytes(&p->kind);
  if (!dg_samples_new(samples, count, &p->kind, err)) return false;
  for (uint32_t i = 0; i < count; i++)
    if (!read_one(p, first + i, samples->inputs + i * each, err))
      return dg_samples_free(samples), false;
  samples->kind.shape = p->shape;
  return true;
}
