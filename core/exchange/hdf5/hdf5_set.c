#include "core/exchange/hdf5/hdf5_set.h"

#include <stdint.h>

/** The shape and type of a data set. */
typedef struct {
  H5T_class_t class;
  int rank;
  hsize_t dim[H5S_MAX_RANK];
  size_t size; /**< bytes per number */
} set_shape;

/** Bytes of a block of numbers; a double, since a file may claim any size. */
static double bytes_of(const set_shape *shape, const hsize_t *dim) {
  double bytes = (double)shape->size;
  for (int i = 0; i < shape->rank; i++) bytes *= (double)dim[i];
  return bytes;
}

static bool look_at(hid_t set, set_shape *shape) {
  hid_t type = H5Dget_type(set), space = H5Dget_space(set);
  bool ok = type >= 0 && space >= 0;
  if (ok) {
    shape->class = H5Tget_class(type);
    shape->size = H5Tget_size(type);
    shape->rank = H5Sget_simple_extent_ndims(space);
    ok = shape->rank >= 0 && H5Sget_simple_extent_dims(space, shape->dim, NULL) >= 0;
  }
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  return ok;
}

/* ---- how it is stored --------------------------------------------------- */

/** Checks that the only compression is gzip, once. Compressed twice, tiny files become
    gigabytes. */
static const char *check_filters(hid_t how, bool *packed) {
  int count = H5Pget_nfilters(how);
  if (count < 0) return "says nothing sound about its filters";
  for (int i = 0; i < count; i++) {
    unsigned flags, config;
    size_t values = 0;
    H5Z_filter_t filter = H5Pget_filter2(how, (unsigned)i, &flags, &values, NULL, 0, NULL, &config);
    if (filter == H5Z_FILTER_DEFLATE && *packed) return "is packed twice, which is not read";
    *packed |= filter == H5Z_FILTER_DEFLATE;
    if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
        filter != H5Z_FILTER_FLETCHER32)
      return "is packed by a filter other than gzip, shuffle and fletcher32: save it by these or "
             "unpacked";
  }
  return NULL;
}

/** Checks the chunks. A chunk is unpacked as a whole, so it must not be much larger than the data
    set. */
static const char *check_pieces(hid_t how, const set_shape *shape) {
  enum { LARGE_PIECE = 1 << 22, MAX_PIECES = 1 << 16 };
  hsize_t dim[H5S_MAX_RANK];
  double whole = bytes_of(shape, shape->dim), pieces = 1;
  if (H5Pget_chunk(how, H5S_MAX_RANK, dim) != shape->rank) return "has pieces of another rank";
  double piece = bytes_of(shape, dim);
  for (int i = 0; i < shape->rank; i++)
    pieces *= dim[i] ? (double)(shape->dim[i] / dim[i] + (shape->dim[i] % dim[i] > 0)) : 1;
  if (!(piece > 0) || (piece > LARGE_PIECE && piece > whole))
    return "is stored in pieces larger than itself";
  return pieces > MAX_PIECES ? "is stored in more than 65536 pieces" : NULL;
}

/** Does the file have enough bytes? gzip packs at most 1032 bytes into one (zlib.net). */
static bool is_stored(hid_t set, const set_shape *shape, bool packed) {
  enum { TIGHTEST = 1032 };
  return bytes_of(shape, shape->dim) <= (packed ? TIGHTEST : 1) * (double)H5Dget_storage_size(set);
}

/** Returns NULL if all numbers are in this file and can be read within the limits. */
static const char *check_storage(hid_t set, hid_t how, const set_shape *shape) {
  static const char elsewhere[] = "lies in another file, which is not read";
  bool packed = false;
  const char *wrong = NULL;
  int files = how < 0 ? -1 : H5Pget_external_count(how);
  if (files > 0) return elsewhere;
  if (files < 0) return "can't be read: the file is damaged";
  switch (H5Pget_layout(how)) {
  case H5D_COMPACT:
  case H5D_CONTIGUOUS:
    break;
  case H5D_CHUNKED:
    wrong = check_filters(how, &packed);
    if (!wrong) wrong = check_pieces(how, shape);
    break;
  case H5D_VIRTUAL:
    return elsewhere;
  default:
    return "is stored in a way that is not read";
  }
  if (!wrong && !is_stored(set, shape, packed))
    return "has fewer bytes in the file than its shape needs";
  return wrong;
}

/* ---- reading ------------------------------------------------------------ */

static bool refuse(const dg_arrays *arrays, const char *name, const char *why, dg_error *err) {
  return dg_fail(err, DG_ERR_INPUT, "%s: \"%.200s\" %s", arrays->path, name, why);
}

bool dg_hdf5_add_set(dg_arrays *arrays, hid_t set, const char *name, dg_error *err) {
  set_shape shape;
  uint64_t dim[H5S_MAX_RANK];
  if (!look_at(set, &shape))
    return refuse(arrays, name, "can't be read: the file is damaged, or no weight file", err);
  if (shape.class == H5T_STRING || shape.class == H5T_REFERENCE) return true; /* not numbers */
  for (int i = 0; i < shape.rank; i++) dim[i] = shape.dim[i];
  if (shape.class != H5T_FLOAT && shape.class != H5T_INTEGER)
    return dg_arrays_add_unread(arrays, name, (uint32_t)shape.rank, dim,
                                "has a type that is not read: save it as float32", err);
  hid_t how = H5Dget_create_plist(set);
  const char *wrong = check_storage(set, how, &shape);
  if (how >= 0) H5Pclose(how);
  if (wrong) return refuse(arrays, name, wrong, err);
  dg_array *array =
      dg_arrays_add(arrays, name, (uint32_t)shape.rank, dim, shape.class == H5T_INTEGER, err);
  if (!array) return false;
  return array->count == 0 ||
         H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, array->data) >= 0 ||
         refuse(arrays, name, "can't be read: the file is damaged, or no weight file", err);
}
