/*
 * HDF5 files: the part that a process of its own does, on files that are sound for the HDF5 library
 * but made of bytes (the library itself is not proof against others, which is why it has a process
 * of its own); and the part of the asking process, on answers of any bytes. The first byte says
 * which.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/exchange/hdf5/hdf5.h"
#include "core/exchange/hdf5/hdf5_set.h"
#include "tests/fuzz/file.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { MAX_STEPS = 64, MAX_GROUPS = 8, NAME = 100 };

/* ---- a file of bytes ---------------------------------------------------- */

/** A file on its way: the groups that were made, the first of which is the root. */
typedef struct {
  input *in;
  hid_t file, groups[MAX_GROUPS];
  uint32_t count;
} making;

static hid_t some_group(making *m) {
  return m->groups[input_byte(m->in) % m->count];
}

/** A name without '/' and of at least a byte. */
static void read_link(making *m, char *name) {
  input_name(m->in, name, NAME);
  for (char *at = name; *at; at++)
    if (*at == '/') *at = '.';
  if (!*name) memcpy(name, "x", 2);
}

static void make_group(making *m) {
  char name[NAME];
  hid_t in = some_group(m);
  read_link(m, name);
  if (m->count == MAX_GROUPS) return;
  hid_t group = H5Gcreate2(in, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (group >= 0) m->groups[m->count++] = group;
}

static void make_link(making *m) {
  char name[NAME], to[NAME];
  hid_t at = some_group(m), target = some_group(m);
  read_link(m, name);
  input_name(m->in, to, NAME);
  switch (input_byte(m->in) % 4) {
  case 0:
    H5Olink(target, at, name, H5P_DEFAULT, H5P_DEFAULT);
    break;
  case 1:
    H5Lcreate_soft(*to ? to : "/", at, name, H5P_DEFAULT, H5P_DEFAULT);
    break;
  case 2:
    H5Lcreate_external("elsewhere.h5", *to ? to : "/", at, name, H5P_DEFAULT, H5P_DEFAULT);
    break;
  default:
    H5Lcreate_hard(target, *to ? to : ".", at, name, H5P_DEFAULT, H5P_DEFAULT);
  }
}

/** One of the types that numbers have, and others. */
static hid_t some_type(making *m) {
  const hid_t types[] = {H5T_NATIVE_FLOAT, H5T_NATIVE_DOUBLE, H5T_IEEE_F32BE, H5T_STD_I8LE,
                         H5T_STD_U64BE,    H5T_STD_I16LE,     H5T_C_S1,       H5T_STD_REF_OBJ};
  return types[input_byte(m->in) % (sizeof types / sizeof *types)];
}

/** Pieces and filters. */
static hid_t some_storage(making *m, int rank, const hsize_t *dim) {
  hid_t how = H5Pcreate(H5P_DATASET_CREATE);
  uint8_t kind = input_byte(m->in), filters = input_byte(m->in);
  hsize_t piece[8];
  for (int i = 0; i < rank; i++) piece[i] = 1 + (dim[i] ? input_byte(m->in) % dim[i] : 0);
  if (kind % 8 == 0) H5Pset_layout(how, H5D_COMPACT);
  if (kind % 8 == 1) H5Pset_external(how, "/dev/null", 0, H5F_UNLIMITED);
  if (kind % 8 >= 4 && rank > 0) H5Pset_chunk(how, rank, piece);
  if (filters & 1) H5Pset_shuffle(how);
  if (filters & 2) H5Pset_deflate(how, 1);
  if (filters & 4) H5Pset_fletcher32(how);
  if (filters & 8) H5Pset_deflate(how, 9);
  if (filters & 16) H5Pset_filter(how, 300, H5Z_FLAG_OPTIONAL, 0, NULL);
  return how;
}

static void make_set(making *m) {
  char name[NAME];
  hid_t at = some_group(m), type = some_type(m);
  read_link(m, name);
  uint8_t form = input_byte(m->in);
  int rank = form % 5;
  hsize_t dim[8], most[8];
  static const unsigned char numbers[1 << 16];
  for (int i = 0; i < rank; i++) dim[i] = input_byte(m->in) % 7, most[i] = H5S_UNLIMITED;
  hid_t how = some_storage(m, rank, dim);
  hid_t space =
      H5Screate_simple(rank, dim, form & 128 && H5Pget_layout(how) == H5D_CHUNKED ? most : NULL);
  hid_t set = H5Dcreate2(at, name, type, space, H5P_DEFAULT, how, H5P_DEFAULT);
  if (set >= 0 && form & 64 && H5Pget_external_count(how) == 0)
    H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers);
  if (set >= 0) H5Dclose(set);
  if (space >= 0) H5Sclose(space);
  H5Pclose(how);
}

/** A list of names, of fixed or of variable length, or of what is no name. */
static void make_list(making *m) {
  enum { MOST = 4 };
  static const char *const lists[] = {"layer_names", "weight_names"};
  char names[MOST][NAME];
  const char *texts[MOST];
  hid_t at = some_group(m);
  uint8_t form = input_byte(m->in);
  hsize_t count = 1 + form % MOST;
  for (hsize_t i = 0; i < count; i++) {
    memset(names[i], 0, NAME);
    input_name(m->in, names[i], NAME);
    texts[i] = names[i];
  }
  hid_t type = H5Tcopy(form & 16 ? H5T_NATIVE_INT : H5T_C_S1);
  if (!(form & 16)) H5Tset_size(type, form & 32 ? H5T_VARIABLE : NAME);
  hid_t space = form & 64 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, NULL);
  hid_t list = H5Acreate2(at, lists[form >> 7], type, space, H5P_DEFAULT, H5P_DEFAULT);
  if (list >= 0) H5Awrite(list, type, form & 32 && !(form & 16) ? (void *)texts : (void *)names);
  if (list >= 0) H5Aclose(list);
  H5Sclose(space);
  H5Tclose(type);
}

/** Makes a file; its path. */
static const char *make_file(input *in) {
  static void (*const steps[])(making * m) = {make_group, make_link, make_set,
                                              make_set,   make_list, make_set};
  const char *path = fuzz_named_file(NULL, 0);
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (input_byte(in) & 1) H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  making m = {.in = in, .file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access), .count = 1};
  H5Pclose(access);
  if (m.file < 0) abort();
  m.groups[0] = H5Gopen2(m.file, "/", H5P_DEFAULT);
  for (int i = 0; i < MAX_STEPS && in->left > 0; i++)
    steps[input_byte(in) % (sizeof steps / sizeof *steps)](&m);
  for (uint32_t i = 0; i < m.count; i++) H5Gclose(m.groups[i]);
  if (H5Fclose(m.file) < 0) abort();
  return path;
}

/* ---- the two parts ------------------------------------------------------ */

static void look_at(const dg_arrays *arrays) {
  for (size_t i = 0; i < arrays->count; i++) {
    const dg_array *a = &arrays->items[i];
    if (a->layer > strlen(a->name)) abort();
    fuzz_touch(a->data, a->count * sizeof *a->data);
  }
}

/** Does a message say that the file itself, not a name in it, is no HDF5 file? */
static bool is_unsound(const char *message, const char *path) {
  size_t length = strlen(path);
  return strncmp(message, path, length) == 0 &&
         strcmp(message + length, ": no sound HDF5 file") == 0;
}

static void read_made(input *in) {
  dg_error err = {0};
  dg_arrays arrays = {.path = make_file(in), .most = 1 << 20};
  bool ok = dg_hdf5_read_direct(&arrays, &err);
  if (ok != (err.kind == DG_OK)) abort();
  if (is_unsound(err.message, arrays.path)) abort();                  /* the library made it */
  if (H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) > 0) abort(); /* something stays open */
  look_at(&arrays);
  dg_arrays_free(&arrays);
}

static void receive(input *in) {
  static int answer = -1;
  if (answer < 0) answer = memfd_create("answer", 0);
  if (ftruncate(answer, 0) != 0 || pwrite(answer, in->at, in->left, 0) != (ssize_t)in->left ||
      lseek(answer, 0, SEEK_SET) != 0)
    abort();
  dg_arrays arrays = {.path = "fuzz", .most = 1 << 20};
  dg_error err = {0};
  bool ok = dg_hdf5_receive(&arrays, answer, 60, &err);
  if (ok != (err.kind == DG_OK)) abort();
  look_at(&arrays);
  dg_arrays_free(&arrays);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  input in = {bytes, size};
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  if (input_byte(&in) & 1)
    receive(&in);
  else
    read_made(&in);
  return 0;
}
