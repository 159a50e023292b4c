#include "core/exchange/hdf5/hdf5_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** An open attribute. */
typedef struct {
  hid_t id, type, space;
  size_t count; /**< texts */
} attribute;

static void close_attribute(attribute *a) {
  if (a->space >= 0) H5Sclose(a->space);
  if (a->type >= 0) H5Tclose(a->type);
  if (a->id >= 0) H5Aclose(a->id);
}

/** Opens an attribute of texts; false: it is none. The caller closes it in both cases. */
static bool open_attribute(hid_t group, const char *name, attribute *a) {
  a->id = H5Aopen(group, name, H5P_DEFAULT);
  a->type = a->id >= 0 ? H5Aget_type(a->id) : -1;
  a->space = a->id >= 0 ? H5Aget_space(a->id) : -1;
  hssize_t count = a->space >= 0 ? H5Sget_simple_extent_npoints(a->space) : -1;
  a->count = count > 0 ? (size_t)count : 0;
  /* h5py writes an empty list as numbers */
  return a->type >= 0 && count >= 0 && (count == 0 || H5Tget_class(a->type) == H5T_STRING);
}

/** Copies texts of variable length, which the library allocates; longer ones are cut. */
static bool read_variable(const attribute *a, char *out, size_t width) {
  char **texts = calloc(a->count + 1, sizeof *texts);
  bool ok = texts && H5Aread(a->id, a->type, texts) >= 0;
  for (size_t i = 0; ok && i < a->count; i++)
    snprintf(out + i * width, width, "%s", texts[i] ? texts[i] : "");
  if (ok) H5Dvlen_reclaim(a->type, a->space, H5P_DEFAULT, texts);
  free(texts);
  return ok;
}

/** Copies texts of fixed length. */
static bool read_fixed(const attribute *a, char *out, size_t width) {
  hid_t type = H5Tcopy(a->type);
  bool ok = type >= 0 && H5Tset_size(type, width) >= 0 &&
            H5Tset_strpad(type, H5T_STR_NULLTERM) >= 0 && H5Aread(a->id, type, out) >= 0;
  if (type >= 0) H5Tclose(type);
  return ok;
}

static bool read_texts(const attribute *a, char *out, size_t width) {
  return H5Tis_variable_str(a->type) > 0 ? read_variable(a, out, width) : read_fixed(a, out, width);
}

/** Adds the texts of an attribute to a list. */
static bool add_names(hid_t group, const char *name, dg_hdf5_names *names) {
  attribute a;
  bool ok = open_attribute(group, name, &a) && a.count <= DG_HDF5_NAMES - names->count;
  if (ok && a.count > 0) {
    char *text = realloc(names->text, (names->count + a.count) * DG_HDF5_PATH);
    ok = text != NULL;
    if (ok) {
      names->text = text;
      text += names->count * DG_HDF5_PATH;
      memset(text, 0, a.count * DG_HDF5_PATH);
      ok = read_texts(&a, text, DG_HDF5_PATH);
      names->count += a.count;
    }
  }
  close_attribute(&a);
  return ok;
}

bool dg_hdf5_read_names(hid_t group, const char *list, dg_hdf5_names *names) {
  char part[40];
  *names = (dg_hdf5_names){0};
  if (H5Aexists(group, list) > 0) return add_names(group, list, names);
  for (unsigned i = 0; i < DG_HDF5_NAMES; i++) {
    snprintf(part, sizeof part, "%.20s%u", list, i);
    if (H5Aexists(group, part) <= 0) return true;
    if (!add_names(group, part, names)) return false;
  }
  return false;
}

/** Bytes of the text of an attribute that has only one. */
static size_t length_of(const attribute *a) {
  if (H5Tis_variable_str(a->type) <= 0) return H5Tget_size(a->type);
  char *text = NULL;
  if (H5Aread(a->id, a->type, &text) < 0 || !text) return 0;
  size_t length = strlen(text);
  H5Dvlen_reclaim(a->type, a->space, H5P_DEFAULT, &text);
  return length;
}

bool dg_hdf5_read_text(hid_t group, const char *name, size_t most, char **text) {
  attribute a;
  *text = NULL;
  if (H5Aexists(group, name) <= 0) return true;
  bool ok = open_attribute(group, name, &a) && a.count == 1;
  size_t length = ok ? length_of(&a) : 0;
  ok = ok && length <= most && (*text = calloc(length + 2, 1)) && read_texts(&a, *text, length + 2);
  close_attribute(&a);
  if (ok) return true;
  free(*text);
  *text = NULL;
  return false;
}
