/**
 * Data sets of HDF5 files, by the HDF5 library; in Keras's files in the order of the layers. Only
 * hard links are followed: others may lead to other files, or to a pipe that blocks.
 */
#include "core/exchange/hdf5/hdf5.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/exchange/hdf5/hdf5_set.h"
#include "core/exchange/hdf5/hdf5_text.h"

enum { PATH_SIZE = DG_HDF5_PATH, DEEPEST = 12 };
enum { MAX_NAMES = DG_HDF5_NAMES, MAX_LINKS = 4 * MAX_NAMES };

/** A file that is being read. */
typedef struct {
  dg_arrays *arrays;
  hid_t file;
  int depth;
  char label[DG_LABEL_SIZE]; /**< Keras 3's name of the layer whose group is read; may be empty */
  haddr_t within[DEEPEST];   /**< the current group and its parents */
  uint32_t links;            /**< visited so far: many links may lead to few groups */
  dg_error *err;
} reading;

static bool refuse(const reading *r, const char *name, const char *why) {
  return dg_fail(r->err, DG_ERR_INPUT, "%s: \"%.200s\" %s", r->arrays->path, name, why);
}

static bool damaged(const reading *r, const char *name) {
  return refuse(r, name, "can't be read: the file is damaged, or no weight file");
}

/* ---- links -------------------------------------------------------------- */

/** Checks that a link may be followed; `name` is its name in messages. */
static bool check_link(reading *r, H5L_type_t type, const char *name) {
  if (++r->links > MAX_LINKS) return refuse(r, name, "comes after more names than weights have");
  if (type == H5L_TYPE_HARD) return true;
  return refuse(r, name,
                type == H5L_TYPE_EXTERNAL ? "is a link to another file, which is not read"
                : type == H5L_TYPE_SOFT
                    ? "is a soft link, which is not followed: save the numbers themselves there"
                    : "is a link of a kind that is not followed");
}

/**
 * Opens the target of a path, checking each link before it is followed. The caller closes it; below
 * 0: the error is set.
 */
static hid_t open_path(reading *r, hid_t group, const char *path, const char *name) {
  hid_t at = H5Gopen2(group, ".", H5P_DEFAULT);
  char part[PATH_SIZE];
  while (at >= 0 && *(path += strspn(path, "/"))) {
    H5L_info_t info;
    size_t length = strcspn(path, "/");
    bool ok = length < sizeof part;
    if (ok) {
      snprintf(part, sizeof part, "%.*s", (int)length, path);
      ok = H5Lget_info(at, part, &info, H5P_DEFAULT) >= 0;
    }
    if (!ok) damaged(r, name);
    hid_t next = ok && check_link(r, info.type, name) ? H5Oopen(at, part, H5P_DEFAULT) : -2;
    H5Oclose(at);
    at = next;
    path += length;
  }
  if (at == -1) damaged(r, name);
  return at;
}

static bool add_set(reading *r, hid_t set, const char *name) {
  size_t before = r->arrays->count;
  if (H5Iget_type(set) != H5I_DATASET) return damaged(r, name);
  if (!dg_hdf5_add_set(r->arrays, set, name, r->err)) return false;
  if (r->arrays->count > before) memcpy(r->arrays->items[before].label, r->label, sizeof r->label);
  return true;
}

/* ---- groups ------------------------------------------------------------- */

/** A group that is being read. */
typedef struct {
  reading *r;
  const char *prefix;
} group_walk;

static bool add_group(reading *r, hid_t group, const char *prefix);

/** Checks that a group is not one of its own parents, and adds it to them. */
static bool enter(reading *r, hid_t group, const char *name) {
  H5O_info_t info;
  if (r->depth == DEEPEST)
    return dg_fail(r->err, DG_ERR_INPUT, "%s: groups within more than %d groups", r->arrays->path,
                   DEEPEST);
  if (H5Oget_info2(group, &info, H5O_INFO_BASIC) < 0) return damaged(r, name);
  for (int i = 0; i < r->depth; i++)
    if (r->within[i] == info.addr) return refuse(r, name, "is a group that holds itself");
  r->within[r->depth++] = info.addr;
  return true;
}

/** Adds the target of a hard link. */
static bool add_object(reading *r, hid_t object, const char *link, const char *name) {
  H5I_type_t type = H5Iget_type(object);
  if (type == H5I_DATASET) return add_set(r, object, name);
  if (type != H5I_GROUP || strcmp(link, "optimizer") == 0 || strcmp(link, "optimizer_weights") == 0)
    return true;
  return add_group(r, object, name);
}

/** Adds the target of a link; callback of H5Literate, below 0 stops it. */
static herr_t add_link(hid_t group, const char *link, const H5L_info_t *info, void *data) {
  const group_walk *walk = data;
  reading *r = walk->r;
  char name[PATH_SIZE];
  int length = snprintf(name, sizeof name, "%s%s%s", walk->prefix, *walk->prefix ? "/" : "", link);
  bool ok = length < PATH_SIZE || refuse(r, link, "has too long a name");
  ok = ok && (!strchr(link, '/') || damaged(r, name)); /* it would be taken for a path */
  ok = ok && check_link(r, info->type, name);
  if (!ok) return -1;
  hid_t object = H5Oopen(group, link, H5P_DEFAULT);
  ok = object >= 0 ? add_object(r, object, link, name) : damaged(r, name);
  if (object >= 0) H5Oclose(object);
  return ok ? 0 : -1;
}

/** Reads the name that Keras 3 notes at the group "vars" of a layer; a cell has its layer's. */
static void read_label(reading *r, hid_t group, const char *prefix) {
  static const char *const within[] = {"cell", "forward_layer", "backward_layer"};
  const char *slash = strrchr(prefix, '/'), *last = slash ? slash + 1 : prefix;
  char *name = NULL;
  H5L_info_t info;
  for (size_t i = 0; i < sizeof within / sizeof *within; i++)
    if (strcmp(last, within[i]) == 0) return;
  if (H5Lexists(group, "vars", H5P_DEFAULT) <= 0 ||
      H5Lget_info(group, "vars", &info, H5P_DEFAULT) < 0 || info.type != H5L_TYPE_HARD)
    return;
  hid_t vars = H5Oopen(group, "vars", H5P_DEFAULT);
  *r->label = '\0';
  if (vars >= 0 && dg_hdf5_read_text(vars, "name", sizeof r->label - 1, &name) && name)
    snprintf(r->label, sizeof r->label, "%s", name);
  free(name);
  if (vars >= 0) H5Oclose(vars);
}

/** Adds everything in a group, by name. */
static bool add_group(reading *r, hid_t group, const char *prefix) {
  H5G_info_t info;
  char around[sizeof r->label];
  if (!enter(r, group, prefix)) return false;
  if (H5Gget_info(group, &info) < 0 || info.nlinks > MAX_NAMES) return damaged(r, prefix);
  group_walk walk = {r, prefix};
  memcpy(around, r->label, sizeof around);
  read_label(r, group, prefix);
  bool ok = H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, add_link, &walk) >= 0;
  memcpy(r->label, around, sizeof around);
  r->depth--;
  if (!ok && !r->err->kind) damaged(r, prefix); /* the library itself stopped */
  return ok;
}

/* ---- Keras's layers ----------------------------------------------------- */

/** Reads a list of names; a missing one is empty. */
static bool read_names(const reading *r, hid_t group, const char *attribute, dg_hdf5_names *names) {
  return dg_hdf5_read_names(group, attribute, names) || damaged(r, attribute);
}

/** Length of the part of a weight's name that names its layer, without the cell and direction. */
static size_t layer_length(const char *name) {
  static const char cell[] = "_cell";
  size_t end = strlen(name), part;
  for (int step = 0; step < 3; step++) {
    for (part = end; part > 0 && name[part - 1] != '/';) part--;
    bool is_cell =
        end >= sizeof cell && memcmp(name + end - (sizeof cell - 1), cell, sizeof cell - 1) == 0;
    bool side =
        strncmp(name + part, "forward_", 8) == 0 || strncmp(name + part, "backward_", 9) == 0;
    if (part == 0 || (step > 0 && !is_cell && !side)) break;
    end = part - 1;
  }
  return end;
}

/**
 * The tensors from `first` on are those of a layer, unless their names are of several: then it is a
 * model in the model. Those that are not trained stand behind the others, whatever their layer.
 */
static void set_layer(reading *r, size_t first, const char *layer) {
  bool nested = false;
  for (size_t i = first; i < r->arrays->count; i++) {
    const char *a = r->arrays->items[first].name, *b = r->arrays->items[i].name;
    size_t length = layer_length(a);
    nested |= layer_length(b) != length || memcmp(a, b, length) != 0;
  }
  for (size_t i = first; i < r->arrays->count && !nested; i++)
    r->arrays->items[i].layer = strlen(layer);
  if (nested) r->arrays->ordered = false;
}

/** Adds the weights of a layer in the order of its list. */
static bool add_layer(reading *r, hid_t root, const char *layer) {
  hid_t group = open_path(r, root, layer, layer);
  dg_hdf5_names names;
  size_t first = r->arrays->count;
  if (group < 0) return false;
  bool ok = read_names(r, group, "weight_names", &names);
  for (size_t i = 0; ok && i < names.count; i++) {
    char name[2 * PATH_SIZE + 1];
    snprintf(name, sizeof name, "%s/%s", layer, dg_hdf5_name(&names, i));
    hid_t set = open_path(r, group, dg_hdf5_name(&names, i), name);
    ok = set >= 0 && add_set(r, set, name);
    if (set >= 0) H5Oclose(set);
  }
  if (ok) set_layer(r, first, layer);
  free(names.text);
  H5Oclose(group);
  return ok;
}

/** Adds all layers of a file of Keras, or everything in another file. */
static bool add_root(reading *r, hid_t root) {
  dg_hdf5_names layers;
  bool ok = read_names(r, root, "layer_names", &layers);
  if (ok && layers.count > 0) {
    r->arrays->layout = DG_LAYOUT_KERAS;
    r->arrays->ordered = true;
  }
  for (size_t i = 0; ok && i < layers.count; i++) ok = add_layer(r, root, dg_hdf5_name(&layers, i));
  if (ok && layers.count == 0) ok = add_group(r, root, "");
  free(layers.text);
  return ok;
}

/* ---- the file ----------------------------------------------------------- */

/** Reads what the file says about the network, and which Keras wrote it. */
static bool read_settings(reading *r, hid_t top) {
  char *version = NULL;
  if (!dg_hdf5_read_text(top, "model_config", DG_SETTINGS_SIZE, &r->arrays->settings))
    return damaged(r, "model_config");
  if (dg_hdf5_read_text(top, "keras_version", PATH_SIZE, &version) && version)
    r->arrays->keras = (uint32_t)strtoul(version, NULL, 10);
  free(version);
  return true;
}

static bool read_open(reading *r) {
  static const char within[] = "model_weights"; /* in files of whole models */
  hid_t top = H5Gopen2(r->file, "/", H5P_DEFAULT);
  if (top < 0) return damaged(r, "/");
  if (!read_settings(r, top)) return H5Gclose(top), false;
  hid_t root = open_path(r, top, H5Lexists(top, within, H5P_DEFAULT) > 0 ? within : "", within);
  bool ok = root >= 0 && add_root(r, root);
  if (root >= 0) H5Oclose(root);
  H5Gclose(top);
  for (size_t i = 0; i < r->arrays->count; i++)
    if (strstr(r->arrays->items[i].name, "/vars/")) r->arrays->layout = DG_LAYOUT_KERAS;
  return ok;
}

/** Opens the file at the path, or the one in memory. Files are read through stdio: the library's
    other driver wants the name of a link's target, and what came through a pipe has none. */
static hid_t open_file(const dg_arrays *arrays) {
  enum { GROWTH = 1 << 16 };
  hid_t how = H5Pcreate(H5P_FILE_ACCESS), file = -1;
  char name[4200]; /* of no other file: the library refuses one that exists */
  snprintf(name, sizeof name, "%s/model.weights.h5", arrays->path);
  if (how >= 0 && !arrays->image && H5Pset_fapl_stdio(how) >= 0)
    file = H5Fopen(arrays->path, H5F_ACC_RDONLY, how);
  if (how >= 0 && arrays->image && H5Pset_fapl_core(how, GROWTH, false) >= 0 &&
      H5Pset_file_image(how, (void *)arrays->image, arrays->image_size) >= 0)
    file = H5Fopen(name, H5F_ACC_RDONLY, how);
  if (how >= 0) H5Pclose(how);
  return file;
}

bool dg_hdf5_read_direct(dg_arrays *arrays, dg_error *err) {
  H5E_auto2_t printing;
  void *data;
  dg_error told = {0};
  reading r = {.arrays = arrays, .err = &told};
  if (H5Eget_auto2(H5E_DEFAULT, &printing, &data) < 0 ||
      H5Eset_auto2(H5E_DEFAULT, NULL, NULL) < 0 || /* the library prints nothing */
      H5PLset_loading_state(0) < 0)                /* and loads no plugins that a file asks for */
    return dg_fail(err, DG_ERR_RUNTIME, "the HDF5 library can't be started");
  r.file = open_file(arrays);
  bool ok = r.file >= 0 ? read_open(&r)
                        : dg_fail(&told, DG_ERR_INPUT, "%s: no sound HDF5 file", arrays->path);
  if (r.file >= 0) H5Fclose(r.file);
  H5Eset_auto2(H5E_DEFAULT, printing, data);
  if (!ok && err) *err = told;
  return ok;
}
