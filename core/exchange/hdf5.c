/** Data sets of HDF5 files, by the HDF5 library; in Keras's files in the order of the layers. */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/exchange/hdf5.h"

enum { PATH_SIZE = 512, DEEPEST = 12, MOST_NAMES = 4096 };

/** A file on its way. */
typedef struct {
  dg_arrays *arrays;
  hid_t file;
  int depth;
  dg_error *err;
} reading;

static bool damaged(const reading *r, const char *name) {
  return dg_fail(r->err, DG_ERR_INPUT,
                 "%s: \"%.200s\" can't be read: the file is damaged, or no "
                 "weight file",
                 r->arrays->path, name);
}

/* ---- data sets ---------------------------------------------------------- */

/** Are the numbers in this file itself? Others could be read through it. */
static bool lies_inside(hid_t set) {
  hid_t how = H5Dget_create_plist(set);
  bool inside = how >= 0 && H5Pget_external_count(how) == 0 && H5Pget_layout(how) != H5D_VIRTUAL;
  if (how >= 0) H5Pclose(how);
  return inside;
}

/** What a data set is. */
typedef struct {
  H5T_class_t class;
  int rank;
  hsize_t dim[H5S_MAX_RANK];
  size_t size; /**< bytes of a number */
} set_shape;

static bool look_at(hid_t set, set_shape *shape) {
  hid_t type = H5Dget_type(set), space = H5Dget_space(set);
  bool right = type >= 0 && space >= 0;
  if (right) {
    shape->class = H5Tget_class(type);
    shape->size = H5Tget_size(type);
    shape->rank = H5Sget_simple_extent_ndims(space);
    right = shape->rank >= 0 && H5Sget_simple_extent_dims(space, shape->dim, NULL) >= 0;
  }
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  return right;
}

/** Can the bytes in the file be so many numbers? gzip packs at most 1032 into one (zlib.net). */
static bool is_stored(hid_t set, const set_shape *shape) {
  enum { TIGHTEST = 1032 };
  double bytes = (double)shape->size;
  for (int i = 0; i < shape->rank; i++) bytes *= (double)shape->dim[i];
  return bytes <= TIGHTEST * (double)H5Dget_storage_size(set);
}

/** Adds an open data set as the tensor `name`; what holds no numbers is passed over. */
static bool add_open(reading *r, hid_t set, const char *name) {
  set_shape shape;
  uint64_t dim[H5S_MAX_RANK];
  if (!look_at(set, &shape)) return damaged(r, name);
  if (shape.class != H5T_FLOAT && shape.class != H5T_INTEGER) return true;
  if (!lies_inside(set))
    return dg_fail(r->err, DG_ERR_INPUT, "%s: \"%.200s\" lies in another file, which is not read",
                   r->arrays->path, name);
  if (!is_stored(set, &shape))
    return dg_fail(r->err, DG_ERR_INPUT,
                   "%s: \"%.200s\" has fewer bytes in the file than its shape "
                   "needs",
                   r->arrays->path, name);
  for (int i = 0; i < shape.rank; i++) dim[i] = shape.dim[i];
  dg_array *array =
      dg_arrays_add(r->arrays, name, (uint32_t)shape.rank, dim, shape.class == H5T_INTEGER, r->err);
  if (!array) return false;
  return array->count == 0 ||
         H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, array->data) >= 0 ||
         damaged(r, name);
}

static bool add_set(reading *r, hid_t group, const char *path, const char *name) {
  hid_t set = H5Dopen2(group, path, H5P_DEFAULT);
  if (set < 0) return damaged(r, name);
  bool right = add_open(r, set, name);
  H5Dclose(set);
  return right;
}

/* ---- groups ------------------------------------------------------------- */

static bool add_group(reading *r, hid_t group, const char *prefix);

/** Adds what a link leads to. Links to other places, in this file or elsewhere, are passed over. */
static bool add_link(reading *r, hid_t group, const char *link, const char *prefix) {
  H5L_info_t kind;
  H5O_info_t info;
  char name[PATH_SIZE];
  if (snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "/" : "", link) >= PATH_SIZE)
    return dg_fail(r->err, DG_ERR_INPUT, "%s: a name of more than %d bytes", r->arrays->path,
                   PATH_SIZE - 1);
  if (H5Lget_info(group, link, &kind, H5P_DEFAULT) < 0) return damaged(r, name);
  if (kind.type != H5L_TYPE_HARD) return true;
  if (H5Oget_info_by_name2(group, link, &info, H5O_INFO_BASIC, H5P_DEFAULT) < 0)
    return damaged(r, name);
  if (info.type == H5O_TYPE_DATASET) return add_set(r, group, link, name);
  if (info.type != H5O_TYPE_GROUP || strcmp(link, "optimizer") == 0 ||
      strcmp(link, "optimizer_weights") == 0)
    return true;
  hid_t within = H5Gopen2(group, link, H5P_DEFAULT);
  if (within < 0) return damaged(r, name);
  bool right = add_group(r, within, name);
  H5Gclose(within);
  return right;
}

/** Adds all in a group, by name. */
static bool add_group(reading *r, hid_t group, const char *prefix) {
  H5G_info_t info;
  char link[PATH_SIZE];
  if (r->depth == DEEPEST)
    return dg_fail(r->err, DG_ERR_INPUT, "%s: groups within more than %d groups", r->arrays->path,
                   DEEPEST);
  if (H5Gget_info(group, &info) < 0 || info.nlinks > MOST_NAMES) return damaged(r, prefix);
  r->depth++;
  bool right = true;
  for (hsize_t i = 0; right && i < info.nlinks; i++) {
    ssize_t length = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, link,
                                        sizeof link, H5P_DEFAULT);
    right =
        length < 0 || length >= PATH_SIZE ? damaged(r, prefix) : add_link(r, group, link, prefix);
  }
  r->depth--;
  return right;
}

/* ---- Keras's lists of names --------------------------------------------- */

/** Texts of an attribute. */
typedef struct {
  size_t count, width;
  char *text; /**< `count` of them, `width` bytes each, ended by a NUL */
} name_list;

static const char *name_at(const name_list *names, size_t i) {
  return names->text + i * names->width;
}

/** Copies texts of variable length, which the library allocates. */
static bool read_variable(hid_t attribute, hid_t stored, hid_t space, name_list *names) {
  char **texts = calloc(names->count + 1, sizeof *texts);
  bool right = texts && H5Aread(attribute, stored, texts) >= 0;
  for (size_t i = 0; right && i < names->count; i++)
    snprintf(names->text + i * names->width, names->width, "%s", texts[i] ? texts[i] : "");
  if (right) H5Dvlen_reclaim(stored, space, H5P_DEFAULT, texts);
  free(texts);
  return right;
}

/** Copies texts of fixed length. */
static bool read_fixed(hid_t attribute, hid_t stored, name_list *names) {
  hid_t type = H5Tcopy(stored);
  bool right = type >= 0 && H5Tset_size(type, names->width) >= 0 &&
               H5Tset_strpad(type, H5T_STR_NULLTERM) >= 0 &&
               H5Aread(attribute, type, names->text) >= 0;
  if (type >= 0) H5Tclose(type);
  return right;
}

/** Reads a list of names; one that is not there has none. */
static bool read_names(const reading *r, hid_t group, const char *attribute, name_list *names) {
  *names = (name_list){.width = PATH_SIZE};
  if (H5Aexists(group, attribute) <= 0) return true;
  hid_t list = H5Aopen(group, attribute, H5P_DEFAULT);
  hid_t type = list >= 0 ? H5Aget_type(list) : -1, space = list >= 0 ? H5Aget_space(list) : -1;
  hssize_t count = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
  bool right = type >= 0 && count >= 0 && count <= MOST_NAMES;
  if (right && count > 0) {
    names->count = (size_t)count;
    names->text = calloc(names->count, names->width);
    right = names->text && H5Tget_class(type) == H5T_STRING &&
            (H5Tis_variable_str(type) > 0 ? read_variable(list, type, space, names)
                                          : read_fixed(list, type, names));
  }
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  if (list >= 0) H5Aclose(list);
  return right || damaged(r, attribute);
}

/** Adds the weights of a layer in the order of its list. */
static bool add_layer(reading *r, hid_t root, const char *layer) {
  hid_t group = H5Gopen2(root, layer, H5P_DEFAULT);
  name_list names;
  if (group < 0) return damaged(r, layer);
  bool right = read_names(r, group, "weight_names", &names);
  for (size_t i = 0; right && i < names.count; i++) {
    char name[2 * PATH_SIZE + 1];
    snprintf(name, sizeof name, "%s/%s", layer, name_at(&names, i));
    size_t before = r->arrays->count;
    right = add_set(r, group, name_at(&names, i), name);
    if (r->arrays->count > before) r->arrays->items[before].layer = strlen(layer);
  }
  free(names.text);
  H5Gclose(group);
  return right;
}

/** Adds all layers of a file that Keras wrote, or everything that another has. */
static bool add_root(reading *r, hid_t root) {
  name_list layers;
  bool right = read_names(r, root, "layer_names", &layers);
  if (right && layers.count > 0) {
    r->arrays->layout = DG_LAYOUT_KERAS;
    r->arrays->ordered = true;
  }
  for (size_t i = 0; right && i < layers.count; i++)
    right = add_layer(r, root, name_at(&layers, i));
  if (right && layers.count == 0) right = add_group(r, root, "");
  free(layers.text);
  return right;
}

/* ---- the file ----------------------------------------------------------- */

static bool read_open(reading *r) {
  static const char within[] = "model_weights"; /* of a whole model's file */
  bool whole = H5Lexists(r->file, within, H5P_DEFAULT) > 0;
  hid_t root = H5Gopen2(r->file, whole ? within : "/", H5P_DEFAULT);
  if (root < 0) return damaged(r, whole ? within : "/");
  bool right = add_root(r, root);
  H5Gclose(root);
  for (size_t i = 0; i < r->arrays->count; i++)
    if (strstr(r->arrays->items[i].name, "/vars/")) r->arrays->layout = DG_LAYOUT_KERAS;
  return right;
}

bool dg_hdf5_read_here(dg_arrays *arrays, dg_error *err) {
  H5E_auto2_t printing;
  void *data;
  H5Eget_auto2(H5E_DEFAULT, &printing, &data);
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* the library prints nothing */
  H5PLset_loading_state(0);              /* and loads no code that a file asks for */
  reading r = {.arrays = arrays, .err = err};
  r.file = H5Fopen(arrays->path, H5F_ACC_RDONLY, H5P_DEFAULT);
  bool right = r.file >= 0 ? read_open(&r)
                           : dg_fail(err, DG_ERR_INPUT, "%s: no sound HDF5 file", arrays->path);
  if (r.file >= 0) H5Fclose(r.file);
  H5Eset_auto2(H5E_DEFAULT, printing, data);
  return right;
}
