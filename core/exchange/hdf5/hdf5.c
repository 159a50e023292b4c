/**
 * Data sets of HDF5 files, by the HDF5 library; in Keras's files in the order of the layers. Only
 * hard links are followed: others may lead to other files, or to a pipe that blocks.
 */
#include "core/exchange/hdf5/hdf5.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/exchange/hdf5/hdf5_set.h"

enum { PATH_SIZE = 512, DEEPEST = 12, MAX_NAMES = 4096, MAX_LINKS = 4 * MAX_NAMES };

/** A file that is being read. */
typedef struct {
  dg_arrays *arrays;
  hid_t file;
  int depth;
  haddr_t within[DEEPEST]; /**< the current group and its parents */
  uint32_t links;          /**< visited so far: many links may lead to few groups */
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
  return H5Iget_type(set) == H5I_DATASET ? dg_hdf5_add_set(r->arrays, set, name, r->err)
                                         : damaged(r, name);
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

/** Adds everything in a group, by name. */
static bool add_group(reading *r, hid_t group, const char *prefix) {
  H5G_info_t info;
  if (!enter(r, group, prefix)) return false;
  if (H5Gget_info(group, &info) < 0 || info.nlinks > MAX_NAMES) return damaged(r, prefix);
  group_walk walk = {r, prefix};
  bool ok = H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, add_link, &walk) >= 0;
  r->depth--;
  if (!ok && !r->err->kind) damaged(r, prefix); /* the library itself stopped */
  return ok;
}

/* ---- Keras's lists of names --------------------------------------------- */

/** Texts of an attribute. */
typedef struct {
  size_t count, width;
  char *text; /**< `count` of them, `width` bytes each, NUL-terminated */
} name_list;

static const char *name_at(const name_list *names, size_t i) {
  return names->text + i * names->width;
}

/** Copies texts of variable length, which the library allocates. */
static bool read_variable(hid_t attribute, hid_t stored, hid_t space, name_list *names) {
  char **texts = calloc(names->count + 1, sizeof *texts);
  bool ok = texts && H5Aread(attribute, stored, texts) >= 0;
  for (size_t i = 0; ok && i < names->count; i++)
    snprintf(names->text + i * names->width, names->width, "%s", texts[i] ? texts[i] : "");
  if (ok) H5Dvlen_reclaim(stored, space, H5P_DEFAULT, texts);
  free(texts);
  return ok;
}

/** Copies texts of fixed length. */
static bool read_fixed(hid_t attribute, hid_t stored, name_list *names) {
  hid_t type = H5Tcopy(stored);
  bool ok = type >= 0 && H5Tset_size(type, names->width) >= 0 &&
            H5Tset_strpad(type, H5T_STR_NULLTERM) >= 0 &&
            H5Aread(attribute, type, names->text) >= 0;
  if (type >= 0) H5Tclose(type);
  return ok;
}

/** Reads a list of names; a missing one is empty. */
static bool read_names(const reading *r, hid_t group, const char *attribute, name_list *names) {
  *names = (name_list){.width = PATH_SIZE};
  if (H5Aexists(group, attribute) <= 0) return true;
  hid_t list = H5Aopen(group, attribute, H5P_DEFAULT);
  hid_t type = list >= 0 ? H5Aget_type(list) : -1, space = list >= 0 ? H5Aget_space(list) : -1;
  hssize_t count = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
  bool ok = type >= 0 && count >= 0 && count <= MAX_NAMES;
  if (ok && count > 0) {
    names->count = (size_t)count;
    names->text = calloc(names->count, names->width);
    ok = names->text && H5Tget_class(type) == H5T_STRING &&
         (H5Tis_variable_str(type) > 0 ? read_variable(list, type, space, names)
                                       : read_fixed(list, type, names));
  }
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  if (list >= 0) H5Aclose(list);
  return ok || damaged(r, attribute);
}

/** Adds the weights of a layer in the order of its list. */
static bool add_layer(reading *r, hid_t root, const char *layer) {
  hid_t group = open_path(r, root, layer, layer);
  name_list names;
  if (group < 0) return false;
  bool ok = read_names(r, group, "weight_names", &names);
  for (size_t i = 0; ok && i < names.count; i++) {
    char name[2 * PATH_SIZE + 1];
    snprintf(name, sizeof name, "%s/%s", layer, name_at(&names, i));
    size_t before = r->arrays->count;
    hid_t set = open_path(r, group, name_at(&names, i), name);
    ok = set >= 0 && add_set(r, set, name);
    if (set >= 0) H5Oclose(set);
    if (r->arrays->count > before) r->arrays->items[before].layer = strlen(layer);
  }
  free(names.text);
  H5Oclose(group);
  return ok;
}

/** Adds all layers of a file of Keras, or everything in another file. */
static bool add_root(reading *r, hid_t root) {
  name_list layers;
  bool ok = read_names(r, root, "layer_names", &layers);
  if (ok && layers.count > 0) {
    r->arrays->layout = DG_LAYOUT_KERAS;
    r->arrays->ordered = true;
  }
  for (size_t i = 0; ok && i < layers.count; i++) ok = add_layer(r, root, name_at(&layers, i));
  if (ok && layers.count == 0) ok = add_group(r, root, "");
  free(layers.text);
  return ok;
}

/* ---- the file ----------------------------------------------------------- */

static bool read_open(reading *r) {
  static const char within[] = "model_weights"; /* in files of whole models */
  hid_t top = H5Gopen2(r->file, "/", H5P_DEFAULT);
  if (top < 0) return damaged(r, "/");
  hid_t root = open_path(r, top, H5Lexists(top, within, H5P_DEFAULT) > 0 ? within : "", within);
  bool ok = root >= 0 && add_root(r, root);
  if (root >= 0) H5Oclose(root);
  H5Gclose(top);
  for (size_t i = 0; i < r->arrays->count; i++)
    if (strstr(r->arrays->items[i].name, "/vars/")) r->arrays->layout = DG_LAYOUT_KERAS;
  return ok;
}

/** Opens a file through stdio: the library's other driver wants the name of a link's target, and
   what came through a pipe has none. */
static hid_t open_file(const char *path) {
  hid_t how = H5Pcreate(H5P_FILE_ACCESS), file = -1;
  if (how >= 0 && H5Pset_fapl_stdio(how) >= 0) file = H5Fopen(path, H5F_ACC_RDONLY, how);
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
  r.file = open_file(arrays->path);
  bool ok = r.file >= 0 ? read_open(&r)
                        : dg_fail(&told, DG_ERR_INPUT, "%s: no sound HDF5 file", arrays->path);
  if (r.file >= 0) H5Fclose(r.file);
  H5Eset_auto2(H5E_DEFAULT, printing, data);
  if (!ok && err) *err = told;
  return ok;
}
