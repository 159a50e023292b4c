#include "core/data/pictures/pictures.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/file/entries.h"
#include "core/data/classes.h"
#include "core/data/collection.h"
#include "core/data/pictures/take.h"
#include "digits/picture.h"

enum {
  SHARE = 10,
  /* limit on pixels per byte of files, if there are more than so many pixels: real pictures have
     fewer */
  MAX_INFLATION = 256,
  MAX_PIXELS = 1 << 26
};

/** A set whose pictures are being read. */
typedef struct {
  dg_dataset *set;
  dg_collection part[2]; /**< by dg_part */
  dg_entries classes;
  uint64_t bytes;  /**< of the files read so far */
  uint64_t pixels; /**< decoded from them, and after scaling */
  const dg_dataset_options *options;
  bool colour;      /**< three channels, as the model's input has */
  unsigned depth;   /**< of colours that are read, in bytes; 0: bytes of gray are */
  uint32_t skipped; /**< pictures that could not be read */
  dg_error *err;
} gathering;

bool dg_is_pictures(const char *folder) {
  dg_entries folders;
  bool found = dg_list_folders(&folders, folder, NULL) && folders.count > 0;
  dg_entries_free(&folders);
  return found;
}

/* ---- a picture ---------------------------------------------------------- */

/** Takes the size of the first picture for all. */
static bool choose_size(gathering *g, const dg_picture *first, const char *path) {
  if (g->part[DG_PART_TRAIN].samples.kind.shape.rank) return true;
  if (first->height > DG_MOST_SIDE || first->width > DG_MOST_SIDE)
    return dg_fail(g->err, DG_ERR_INPUT,
                   "%s: %ux%u pixels are too many for an image to learn from, %dx%d is the most; "
                   "make the first picture as large as all shall be",
                   path, first->height, first->width, DG_MOST_SIDE, DG_MOST_SIDE);
  const dg_sample_kind kind = {.shape = {3, {g->colour ? 3 : 1, first->height, first->width}},
                               .type = g->options->type};
  for (int p = 0; p < 2; p++) g->part[p].samples.kind = kind;
  return true;
}

/** Counts the pixels of a picture; a small file may have very many. */
static bool count_work(gathering *g, const dg_picture *picture, const char *path) {
  const dg_sample_kind *kind = &g->part[DG_PART_TRAIN].samples.kind;
  struct stat info;
  if (stat(path, &info) == 0) g->bytes += (uint64_t)info.st_size;
  g->pixels += (uint64_t)picture->height * picture->width + dg_input_bytes(kind);
  return g->pixels <= MAX_PIXELS || g->pixels / MAX_INFLATION <= g->bytes ||
         dg_fail(g->err, DG_ERR_INPUT,
                 "%s: the pictures up to this one make more pixels of a byte than pictures do; "
                 "save them anew, or smaller",
                 path);
}

/** Leaves out a picture that could not be read; fails if there are too many. */
static bool skip(gathering *g, const dg_error *why) {
  const dg_dataset_options *o = g->options;
  if (why->kind == DG_ERR_INPUT && g->skipped < o->skip_bad) {
    g->skipped++;
    if (o->note) o->note(o->user, why->message);
    return true;
  }
  if (g->err) *g->err = *why;
  if (why->kind != DG_ERR_INPUT) return false;
  if (o->skip_bad) dg_fail_suffix(g->err, " (%u others were left out)", g->skipped);
  return dg_advise(g->err, DG_REMEDY_SKIP);
}

static bool take_picture(gathering *g, const dg_picture *picture, dg_part part, const char *path,
                         uint8_t label) {
  dg_collection *c = &g->part[part];
  if (!choose_size(g, picture, path) || !count_work(g, picture, path)) return false;
  uint8_t *image = dg_collect(c, label, g->err);
  if (!image) return false;
  return dg_picture_to_sample(image, &c->samples.kind, picture, g->depth, g->err);
}

static bool add_picture(gathering *g, dg_part part, const char *path, uint8_t label) {
  dg_picture picture;
  dg_error why = {0};
  if (!dg_picture_take(&picture, path, g->depth, g->options, &why)) return skip(g, &why);
  bool ok = take_picture(g, &picture, part, path, label);
  dg_picture_free(&picture);
  return ok;
}

/* ---- a class ------------------------------------------------------------ */

/** The part that gets file i of a class: that of its folder; if there is only one folder, it
    depends on i. */
static dg_part part_of(const gathering *g, dg_part folder, size_t i, size_t count) {
  size_t last = count < SHARE ? count > 1 : count / SHARE;
  return g->set->held_out && i >= count - last ? DG_PART_TEST : folder;
}

static bool add_files(gathering *g, dg_part part, const char *folder, const dg_entries *files,
                      uint8_t label) {
  if (files->count == 0)
    return dg_fail(g->err, DG_ERR_INPUT,
                   "%s: no picture (.png, .jpg, .jpeg, .pgm) is in it; the set is a folder with a "
                   "folder of pictures for each class, or with train and test that hold such",
                   folder);
  const uint32_t skipped = g->skipped;
  for (size_t i = 0; i < files->count; i++) {
    char *path = dg_path_join(folder, files->name[i], g->err);
    bool ok = path && add_picture(g, part_of(g, part, i, files->count), path, label);
    free(path);
    if (!ok) return false;
  }
  return g->skipped - skipped < files->count ||
         dg_fail(g->err, DG_ERR_INPUT, "%s: none of its pictures can be read; give it some",
                 folder);
}

static bool add_class(gathering *g, dg_part part, const char *root, uint8_t label) {
  dg_entries files = {0};
  char *folder = dg_path_join(root, g->classes.name[label], g->err);
  bool ok = folder && dg_list_files(&files, folder, dg_picture_extensions, g->err) &&
            add_files(g, part, folder, &files, label);
  dg_entries_free(&files);
  free(folder);
  return ok;
}

/* ---- the classes -------------------------------------------------------- */

/** Names the classes after the folders, and reads those of the training part. */
static bool add_training(gathering *g, const char *root) {
  dg_classes *names = &g->set->names;
  if (!dg_list_folders(&g->classes, root, g->err)) return false;
  if (g->classes.count == 0)
    return dg_fail(g->err, DG_ERR_INPUT, "%s: a folder of pictures for each class is expected",
                   root);
  for (size_t i = 0; i < g->classes.count; i++)
    if (!dg_classes_add(names, g->classes.name[i], strlen(g->classes.name[i]), root, g->err))
      return false;
  for (uint32_t i = 0; i < names->count; i++)
    if (!add_class(g, DG_PART_TRAIN, root, (uint8_t)i)) return false;
  return true;
}

/** Reads the classes of the test part; some may be missing, but no others may be there. */
static bool add_tests(gathering *g, const char *root) {
  dg_entries folders;
  bool ok = dg_list_folders(&folders, root, g->err);
  if (ok && folders.count == 0)
    ok = dg_fail(g->err, DG_ERR_INPUT, "%s: a folder of pictures for each class is expected", root);
  for (size_t i = 0; ok && i < folders.count; i++) {
    size_t label = dg_entries_find(&g->classes, folders.name[i]);
    ok = label < g->classes.count
             ? add_class(g, DG_PART_TEST, root, (uint8_t)label)
             : dg_fail(g->err, DG_ERR_INPUT,
                       "%s/%s: the training pictures have no such class; add it to them, or "
                       "remove the folder",
                       root, folders.name[i]);
  }
  dg_entries_free(&folders);
  return ok;
}

/** Reads the folders train and test, or the folder itself if it doesn't have both. */
static bool gather(gathering *g, const char *folder) {
  dg_entries folders;
  bool ok = dg_list_folders(&folders, folder, g->err);
  bool parted = ok && dg_entries_find(&folders, "train") < folders.count &&
                dg_entries_find(&folders, "test") < folders.count;
  dg_entries_free(&folders);
  if (!ok) return false;
  if (!parted) {
    g->set->held_out = "the last tenth of each class";
    return add_training(g, folder);
  }
  char *train = dg_path_join(folder, "train", g->err);
  char *test = train ? dg_path_join(folder, "test", g->err) : NULL;
  ok = test && add_training(g, train) && add_tests(g, test);
  free(train);
  free(test);
  return ok;
}

dg_dataset *dg_dataset_from_pictures(const char *folder, const dg_dataset_options *options,
                                     dg_error *err) {
  gathering g = {.set = dg_dataset_new(folder, err),
                 .options = options,
                 .colour = options->rank == 3 && options->dim[0] == 3,
                 .err = err};
  g.depth = dg_picture_depth(options, g.colour ? 3 : 1);
  if (!g.set) return NULL;
  bool ok = gather(&g, folder);
  g.set->train = dg_collected(&g.part[DG_PART_TRAIN]);
  g.set->test = dg_collected(&g.part[DG_PART_TEST]);
  dg_entries_free(&g.classes);
  if (ok) {
    g.set->classes = g.set->names.count;
    return g.set;
  }
  dg_dataset_close(g.set);
  return NULL;
}

/* ---- its files ---------------------------------------------------------- */

/** Reports the pictures in folder/name. */
static bool tell_class(const char *root, const char *name, dg_dataset_file *file, void *user,
                       dg_error *err) {
  dg_entries files = {0};
  char *folder = dg_path_join(root, name, err);
  bool ok = folder && dg_list_files(&files, folder, dg_picture_extensions, err);
  for (size_t i = 0; ok && i < files.count; i++) {
    char *path = dg_path_join(folder, files.name[i], err);
    ok = path && file(user, path, err);
    free(path);
  }
  dg_entries_free(&files);
  free(folder);
  return ok;
}

/** Reports the pictures in all folders of a folder. */
static bool tell_classes(const char *root, dg_dataset_file *file, void *user, dg_error *err) {
  dg_entries folders;
  bool ok = dg_list_folders(&folders, root, err);
  for (size_t i = 0; ok && i < folders.count; i++)
    ok = tell_class(root, folders.name[i], file, user, err);
  dg_entries_free(&folders);
  return ok;
}

bool dg_pictures_files(const char *folder, dg_dataset_file *file, void *user, dg_error *err) {
  static const char *const parts[] = {"train", "test"};
  dg_entries folders;
  bool ok = dg_list_folders(&folders, folder, err) && tell_classes(folder, file, user, err);
  for (int i = 0; ok && i < 2; i++) {
    if (dg_entries_find(&folders, parts[i]) == folders.count) continue;
    char *part = dg_path_join(folder, parts[i], err);
    ok = part && tell_classes(part, file, user, err);
    free(part);
  }
  dg_entries_free(&folders);
  return ok;
}
