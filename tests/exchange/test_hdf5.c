/* HDF5 files made to do harm: links, pieces and filters; the process that reads them, and what it
 * may send. */
#define _GNU_SOURCE
#include <check.h>
#include <hdf5.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/exchange/files.h"
#include "core/exchange/hdf5/hdf5.h"
#include "tests/common/suite.h"

static char folder[] = "/tmp/digits-hdf5-XXXXXX";
static char path[100], other[100], fifo[100];

/* ---- files -------------------------------------------------------------- */

/** A data set of `count` numbers, in pieces of `piece` (0: in one). */
static hid_t add_set(hid_t at, const char *name, hsize_t count, hsize_t piece, hid_t how) {
  const hsize_t most = H5S_UNLIMITED;
  hid_t space = H5Screate_simple(1, &count, piece ? &most : NULL);
  if (piece) H5Pset_chunk(how, 1, &piece);
  hid_t set = H5Dcreate2(at, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, how, H5P_DEFAULT);
  ck_assert_int_ge(set, 0);
  H5Sclose(space);
  return set;
}

/** A data set that is whole. */
static void add_sound(hid_t at, const char *name) {
  static const double numbers[4] = {1, 2, 3, 4};
  hid_t set = add_set(at, name, 4, 0, H5P_DEFAULT);
  H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers);
  H5Dclose(set);
}

static hid_t add_group(hid_t at, const char *name) {
  hid_t group = H5Gcreate2(at, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(group, 0);
  return group;
}

/** A list of one name, as Keras writes them. */
static void add_names(hid_t at, const char *attribute, const char *name) {
  const hsize_t one = 1;
  char text[16] = "";
  strncpy(text, name, sizeof text - 1);
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &one, NULL);
  H5Tset_size(type, sizeof text);
  hid_t list = H5Acreate2(at, attribute, type, space, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(H5Awrite(list, type, text), 0);
  H5Aclose(list);
  H5Sclose(space);
  H5Tclose(type);
}

/* ---- links -------------------------------------------------------------- */

static void external(hid_t at, const char *name) {
  H5Lcreate_external(other, "/kept", at, name, H5P_DEFAULT, H5P_DEFAULT);
}

static void external_in_root(hid_t file) {
  external(file, "w");
}

static void external_to_pipe(hid_t file) {
  H5Lcreate_external(fifo, "/kept", file, "w", H5P_DEFAULT, H5P_DEFAULT);
}

static void soft_in_group(hid_t file) {
  hid_t group = add_group(file, "fc1");
  add_sound(group, "bias");
  H5Lcreate_soft("/fc1/bias", group, "weight", H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(group);
}

static hid_t traverse(const char *name, hid_t group, const void *data, size_t size, hid_t access,
                      hid_t transfer) {
  (void)name, (void)group, (void)data, (void)size, (void)access, (void)transfer;
  return -1;
}

static void of_a_kind_of_its_own(hid_t file) {
  H5L_class_t class = {.version = H5L_LINK_CLASS_T_VERS,
                       .id = H5L_TYPE_UD_MIN + 7,
                       .comment = "own",
                       .trav_func = traverse};
  H5Lregister(&class);
  ck_assert_int_ge(H5Lcreate_ud(file, "w", class.id, "x", 2, H5P_DEFAULT, H5P_DEFAULT), 0);
}

/** `layer` is a link of Keras's list of layers. */
static void external_layer(hid_t file) {
  add_names(file, "layer_names", "fc1");
  external(file, "fc1");
}

static void soft_weight(hid_t file) {
  add_names(file, "layer_names", "fc1");
  hid_t group = add_group(file, "fc1");
  add_names(group, "weight_names", "w");
  add_sound(file, "w");
  H5Lcreate_soft("/w", group, "w", H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(group);
}

/** The link lies on the way to the weight. */
static void external_within_name(hid_t file) {
  add_names(file, "layer_names", "fc1");
  hid_t group = add_group(file, "fc1");
  add_names(group, "weight_names", "x/inner");
  external(group, "x");
  H5Gclose(group);
}

static void soft_root(hid_t file) {
  H5Gclose(add_group(file, "real"));
  H5Lcreate_soft("/real", file, "model_weights", H5P_DEFAULT, H5P_DEFAULT);
}

static const char plain_name[] = "A_______________z", slashed_name[] = "optimizer/x/inner";

/** A hard link whose name, once the file is changed, reads as a path through a link of a group that
 * is passed over. */
static void name_with_slash(hid_t file) {
  hid_t group = add_group(file, "optimizer");
  external(group, "x");
  H5Gclose(group);
  add_sound(file, plain_name);
}

static void circle(hid_t file) {
  hid_t group = add_group(file, "a"), inner = add_group(group, "b");
  H5Lcreate_hard(file, "a", inner, "c", H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(inner);
  H5Gclose(group);
}

/** 64 names in each of ten groups for the next: 64^10 ways, no circle. */
static void many_ways(hid_t file) {
  hid_t at = H5Gopen2(file, "/", H5P_DEFAULT);
  for (int depth = 0; depth < 10; depth++) {
    hid_t next = add_group(at, "n");
    for (int i = 0; i < 63; i++) {
      char name[8];
      snprintf(name, sizeof name, "n%d", i);
      H5Lcreate_hard(at, "n", at, name, H5P_DEFAULT, H5P_DEFAULT);
    }
    H5Gclose(at);
    at = next;
  }
  H5Gclose(at);
}

/* ---- data sets ---------------------------------------------------------- */

/** A set of one number or many, made as `how` says, of which nothing is written. */
static void add_made(hid_t file, hsize_t count, hsize_t piece, hid_t how) {
  H5Dclose(add_set(file, "w", count, piece, how));
  H5Pclose(how);
}

static void one_large_piece(hid_t file) {
  add_made(file, 1, (hsize_t)1 << 28, H5Pcreate(H5P_DATASET_CREATE));
}

static void many_pieces(hid_t file) {
  add_made(file, 1 << 20, 1, H5Pcreate(H5P_DATASET_CREATE));
}

static void packed_twice(hid_t file) {
  hid_t how = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_deflate(how, 9);
  H5Pset_deflate(how, 9);
  add_made(file, 8, 8, how);
}

static void packed_otherwise(hid_t file) {
  hid_t how = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_scaleoffset(how, H5Z_SO_FLOAT_DSCALE, 2);
  add_made(file, 8, 8, how);
}

/** The filter of a plugin, which would be looked for and loaded. */
static void packed_by_plugin(hid_t file) {
  hid_t how = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_filter(how, 32001, H5Z_FLAG_OPTIONAL, 0, NULL);
  add_made(file, 8, 8, how);
}

static void made_of_others(hid_t file) {
  const hsize_t four = 4;
  hid_t how = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, &four, NULL);
  H5Pset_virtual(how, space, other, "/kept/inner", space);
  H5Sclose(space);
  add_made(file, 4, 0, how);
}

static void kept_elsewhere(hid_t file) {
  hid_t how = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_external(how, "/etc/passwd", 0, 32);
  add_made(file, 4, 0, how);
}

static void not_there(hid_t file) {
  add_made(file, 4, 0, H5Pcreate(H5P_DATASET_CREATE));
}

/** Eight million zeros in a few kilobytes. */
static void zeros(hid_t file) {
  enum { COUNT = 1 << 23 };
  hid_t how = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_deflate(how, 9);
  hid_t set = add_set(file, "w", COUNT, COUNT, how);
  double *numbers = calloc(COUNT, sizeof *numbers);
  H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers);
  free(numbers);
  H5Dclose(set);
  H5Pclose(how);
}

static void add_of_type(hid_t file, const char *name, hid_t type) {
  const hsize_t four = 4;
  hid_t space = H5Screate_simple(1, &four, NULL);
  hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(set, 0);
  H5Dclose(set);
  H5Sclose(space);
}

/** A norm that is taken to lack what was passed over would be another. */
static void complex_numbers(hid_t file) {
  hid_t type = H5Tcreate(H5T_COMPOUND, 8);
  H5Tinsert(type, "r", 0, H5T_IEEE_F32LE);
  H5Tinsert(type, "i", 4, H5T_IEEE_F32LE);
  add_of_type(file, "w", type);
  H5Tclose(type);
}

static void truths(hid_t file) {
  hid_t type = H5Tenum_create(H5T_STD_I8LE);
  const signed char no = 0, yes = 1;
  H5Tenum_insert(type, "FALSE", &no);
  H5Tenum_insert(type, "TRUE", &yes);
  add_of_type(file, "w", type);
  H5Tclose(type);
}

static void sound(hid_t file) {
  hid_t group = add_group(file, "fc1");
  add_sound(group, "bias");
  add_of_type(file, "text", H5T_C_S1);
  H5Lcreate_hard(group, "bias", file, "again", H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(group);
}

static const struct {
  void (*make)(hid_t file);
  const char *says; /**< NULL: it is read */
} files[] = {
    {sound, NULL},
    {external_in_root, "\"w\" is a link to another file"},
    {external_to_pipe, "\"w\" is a link to another file"},
    {soft_in_group, "\"fc1/weight\" is a soft link"},
    {of_a_kind_of_its_own, "\"w\" is a link of a kind that is not followed"},
    {external_layer, "\"fc1\" is a link to another file"},
    {soft_weight, "\"fc1/w\" is a soft link"},
    {external_within_name, "\"fc1/x/inner\" is a link to another file"},
    {soft_root, "\"model_weights\" is a soft link"},
    {name_with_slash, "\"optimizer/x/inner\" can't be read"},
    {circle, "\"a/b/c\" is a group that holds itself"},
    {many_ways, "comes after more names than weights have"},
    {one_large_piece, "\"w\" is stored in pieces larger than itself"},
    {many_pieces, "\"w\" is stored in more than 65536 pieces"},
    {packed_twice, "\"w\" is packed twice"},
    {packed_otherwise, "\"w\" is packed by a filter other than gzip"},
    {packed_by_plugin, "\"w\" is packed by a filter other than gzip"},
    {made_of_others, "\"w\" lies in another file"},
    {kept_elsewhere, "\"w\" lies in another file"},
    {not_there, "\"w\" has fewer bytes in the file than its shape needs"},
    {zeros, "\"w\" makes more numbers than the 4194304"},
};

/** Writes another text of the same length into the file. */
static void change_text(const char *from, const char *to) {
  FILE *file = fopen(path, "r+b");
  char bytes[1 << 16];
  size_t size = fread(bytes, 1, sizeof bytes, file);
  char *at = memmem(bytes, size, from, strlen(from));
  ck_assert_ptr_nonnull(at);
  fseek(file, at - bytes, SEEK_SET);
  fwrite(to, 1, strlen(to), file);
  ck_assert_int_eq(fclose(file), 0);
}

static void make_file(const char *name, void (*make)(hid_t file)) {
  hid_t file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(file, 0);
  make(file);
  ck_assert_int_ge(H5Fclose(file), 0);
}

static void refused(bool ok, const dg_error *err, const char *says) {
  ck_assert_msg(ok == (says == NULL), "%s", ok ? "taken" : err->message);
  ck_assert_msg(ok || strstr(err->message, says) != NULL, "expected \"%s\" in: %s", says,
                err->message);
  ck_assert_msg(ok || err->kind == DG_ERR_INPUT, "kind %d: %s", err->kind, err->message);
}

START_TEST(files_that_do_harm) {
  dg_arrays arrays = {.path = path};
  dg_error err = {0};
  make_file(path, files[_i].make);
  if (files[_i].make == name_with_slash) change_text(plain_name, slashed_name);
  double begin = dg_seconds();
  refused(dg_read_hdf5(&arrays, &err), &err, files[_i].says);
  ck_assert_msg(dg_seconds() - begin < 120, "it took %.1f s", dg_seconds() - begin);
  dg_arrays_free(&arrays);
}
END_TEST

/** They come back with their shape and the reason, so that they are not taken to be absent. */
START_TEST(other_types_are_not_read) {
  void (*const makers[])(hid_t) = {complex_numbers, truths};
  for (size_t i = 0; i < 2; i++) {
    dg_arrays arrays = {.path = path};
    dg_error err = {0};
    make_file(path, makers[i]);
    ck_assert_msg(dg_read_hdf5(&arrays, &err), "%s", err.message);
    ck_assert_uint_eq(arrays.count, 1);
    ck_assert_str_eq(arrays.items[0].name, "w");
    ck_assert_uint_eq(arrays.items[0].rank, 1);
    ck_assert_uint_eq(arrays.items[0].dim[0], 4);
    ck_assert_uint_eq(arrays.items[0].count, 0);
    ck_assert_str_eq(arrays.items[0].unread, "has a type that is not read: save it as float32");
    dg_arrays_free(&arrays);
  }
}
END_TEST

/* ---- the process -------------------------------------------------------- */

static const dg_sandbox_limits plenty = {.seconds = 60, .processor = 60, .bytes = 1 << 28};
static int *shared; /**< memory of all processes */

static bool crash(dg_arrays *arrays, dg_error *err) {
  (void)arrays, (void)err;
  return raise(SIGKILL) == 0;
}

static bool run_for_ever(dg_arrays *arrays, dg_error *err) {
  (void)arrays, (void)err;
  volatile int rounds = 1;
  while (rounds) rounds = 1;
  return true;
}

static bool sleep_long(dg_arrays *arrays, dg_error *err) {
  (void)arrays, (void)err;
  *shared = getpid();
  while (*shared) sleep(100);
  return true;
}

static bool fill_memory(dg_arrays *arrays, dg_error *err) {
  (void)arrays;
  size_t size = (size_t)1 << 30;
  char *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return bytes != MAP_FAILED || dg_fail(err, DG_ERR_INPUT, "no memory");
}

static bool write_file(dg_arrays *arrays, dg_error *err) {
  FILE *file = fopen(arrays->path, "w");
  bool ok = file && fputs("written", file) >= 0 && fclose(file) == 0;
  return ok || dg_fail(err, DG_ERR_INPUT, "not written");
}

static bool print(dg_arrays *arrays, dg_error *err) {
  (void)arrays;
  printf("printed\n");
  fprintf(stderr, "printed\n");
  fflush(stdout);
  return dg_fail(err, DG_ERR_INPUT, "nothing is seen of it");
}

static bool send_two(dg_arrays *arrays, dg_error *err) {
  for (int i = 0; i < 2; i++) {
    dg_array *array = dg_arrays_add(arrays, i ? "b.w" : "a.w", 2, (uint64_t[]){300, 200}, i, err);
    for (uint64_t k = 0; array && k < array->count; k++) array->data[k] = (float)(k + i);
    if (!array) return false;
  }
  arrays->ordered = true;
  return true;
}

static const struct {
  bool (*read)(dg_arrays *arrays, dg_error *err);
  dg_sandbox_limits limits;
  const char *says;
} processes[] = {
    {crash, {60, 60, 1 << 28}, "can't cope with it"},
    {run_for_ever, {60, 1, 1 << 28}, "can't cope with it"},
    {sleep_long, {0.2, 60, 1 << 28}, "could not be read within"},
    {fill_memory, {60, 60, 1 << 28}, "no memory"},
    {write_file, {60, 60, 1 << 28}, "not written"},
    {print, {60, 60, 1 << 28}, "nothing is seen of it"},
};

START_TEST(processes_that_do_harm) {
  dg_arrays arrays = {.path = path};
  dg_error err = {0};
  double begin = dg_seconds();
  refused(dg_hdf5_read_sandboxed(&arrays, processes[_i].read, &processes[_i].limits, &err), &err,
          processes[_i].says);
  ck_assert_msg(dg_seconds() - begin < 50, "it took %.1f s", dg_seconds() - begin);
  ck_assert_uint_eq(arrays.count, 0);
  dg_arrays_free(&arrays);
}
END_TEST

START_TEST(what_a_process_sends_is_taken) {
  dg_arrays arrays = {.path = path};
  dg_error err = {0};
  ck_assert_msg(dg_hdf5_read_sandboxed(&arrays, send_two, &plenty, &err), "%s", err.message);
  ck_assert_uint_eq(arrays.count, 2);
  ck_assert(arrays.ordered && arrays.items[1].integer && !arrays.items[0].integer);
  ck_assert_uint_eq(arrays.items[1].layer, 1);
  ck_assert_float_eq(arrays.items[1].data[59999], 60000);
  dg_arrays_free(&arrays);
}
END_TEST

static void at_the_end(void) {
  if (shared) ++*shared;
}

/** What is to be done at a program's end is not done by its children. */
START_TEST(a_process_ends_without_ado) {
  static bool told;
  if (!told) atexit(at_the_end);
  told = true;
  *shared = 0;
  dg_arrays arrays = {.path = path};
  ck_assert(dg_hdf5_read_sandboxed(&arrays, send_two, &plenty, NULL));
  ck_assert_int_eq(*shared, 0);
  dg_arrays_free(&arrays);
}
END_TEST

/** Is a process still there, or has it ended and is waited for by nobody? */
static bool runs(pid_t process) {
  char name[64], state = 'X';
  snprintf(name, sizeof name, "/proc/%d/stat", process);
  FILE *file = fopen(name, "r");
  if (!file) return false;
  if (fscanf(file, "%*d %*s %c", &state) != 1) state = 'X';
  fclose(file);
  return state != 'Z' && state != 'X';
}

START_TEST(a_process_ends_with_its_parent) {
  *shared = 0;
  pid_t parent = fork();
  if (parent == 0) {
    dg_arrays arrays = {.path = path};
    dg_hdf5_read_sandboxed(&arrays, sleep_long, &plenty, NULL);
    _exit(0);
  }
  ck_assert_int_gt(parent, 0);
  double begin = dg_seconds();
  while (*(volatile int *)shared == 0 && dg_seconds() - begin < 20) usleep(1000);
  pid_t child = *shared;
  ck_assert_msg(child > 0 && runs(child), "it never began");
  kill(parent, SIGKILL);
  waitpid(parent, NULL, 0);
  while (runs(child) && dg_seconds() - begin < 40) usleep(1000);
  ck_assert_msg(!runs(child), "process %d outlives its parent", child);
}
END_TEST

/* ---- what comes back ---------------------------------------------------- */

/** An answer of at most one tensor, with what is wrong in it. */
static const struct {
  dg_sandbox_head head;
  const char *name;
  size_t name_size;
  bool end; /**< an end follows, which says that all is right */
  const char *says;
} answers[] = {
    {{.name = 3, .layer = 1, .dim = {2}, .rank = 1}, "a.b", 3, true, NULL},
    {{.name = 3, .layer = 0, .rank = 0}, "a.b", 3, true, NULL},
    {{.name = 3, .layer = 1, .dim = {2}, .rank = 1}, "a.b", 3, false, "can't cope with it"},
    {{.name = 9, .dim = {2}, .rank = 1}, "a.b", 3, false, "can't cope with it"},
    {{.name = 3, .layer = 3, .dim = {2}, .rank = 1}, "a.b", 3, true, "can't cope with it"},
    {{.name = 3, .layer = 2, .dim = {2}, .rank = 1}, "a.b", 3, true, "can't cope with it"},
    {{.name = 9, .layer = 8, .dim = {2}, .rank = 1}, "a.\0bcdef.", 9, true, "can't cope with it"},
    {{.name = 3, .layer = UINT64_MAX, .dim = {2}, .rank = 1}, "a.b", 3, true, "can't cope with it"},
    {{.name = UINT64_MAX, .dim = {2}, .rank = 1}, "a.b", 3, true, "can't cope with it"},
    {{.name = 1024, .dim = {2}, .rank = 1}, "a.b", 3, true, "can't cope with it"},
    {{.name = 3, .dim = {2}, .rank = 9}, "a.b", 3, true, "can't cope with it"},
    {{.name = 3, .dim = {2}, .rank = UINT32_MAX}, "a.b", 3, true, "can't cope with it"},
    {{.name = 3, .dim = {2}, .rank = 1, .integer = 2}, "a.b", 3, true, "can't cope with it"},
    {{.name = 3, .dim = {2}, .rank = 1, .unread = 8}, "a.bisacode!", 11, true, NULL},
    {{.name = 3, .dim = {2}, .rank = 1, .unread = 8},
     "a.bis\0code!",
     11,
     true,
     "can't cope with it"},
    {{.name = 3, .dim = {2}, .rank = 1, .unread = 8},
     "a.bis\xffode!!",
     11,
     true,
     "can't cope with it"},
    {{.name = 3, .dim = {2}, .rank = 1, .unread = 256}, "a.b", 3, true, "can't cope with it"},
    {{.name = 3, .unread = UINT64_MAX}, "a.b", 3, true, "can't cope with it"},
    {{.name = 3, .dim = {UINT64_MAX}, .rank = 1}, "a.b", 3, true, "makes more numbers"},
    {{.name = 3, .dim = {1 << 16, 1 << 16, 1 << 16, 1 << 16}, .rank = 4},
     "a.b",
     3,
     true,
     "makes more numbers"},
    {{.name = 3, .dim = {2}, .rank = 1}, "a\x1b[", 3, true, "control characters"},
    {{.name = 3, .dim = {2}, .rank = 1}, "a\xff.", 3, true, "no UTF-8"},
};

/** Lets `bytes` come through a pipe. */
static bool receive(const void *bytes, size_t size, bool open, double seconds, dg_arrays *arrays,
                    dg_error *err) {
  int ends[2];
  ck_assert_int_eq(pipe(ends), 0);
  ck_assert_int_eq(write(ends[1], bytes, size), (ssize_t)size);
  if (!open) close(ends[1]);
  bool ok = dg_hdf5_receive(arrays, ends[0], seconds, err);
  if (open) close(ends[1]);
  close(ends[0]);
  return ok;
}

START_TEST(hostile_answers) {
  unsigned char bytes[4096] = {0}, *to = bytes;
  dg_arrays arrays = {.path = "w.h5", .most = 1 << 22};
  dg_error err = {0};
  to = mempcpy(to, &answers[_i].head, sizeof answers[_i].head);
  to = mempcpy(to, answers[_i].name, answers[_i].name_size);
  if (!answers[_i].head.unread)
    to += answers[_i].head.rank == 1 ? 2 * sizeof(float) : sizeof(float);
  if (answers[_i].end) {
    to += sizeof(dg_sandbox_head);
    to = mempcpy(to, &(dg_sandbox_end){.ok = 1}, sizeof(dg_sandbox_end));
  }
  refused(receive(bytes, (size_t)(to - bytes), false, 60, &arrays, &err), &err, answers[_i].says);
  dg_arrays_free(&arrays);
}
END_TEST

/** A tensor that was not read keeps the layer that the child found, as one that was read. */
START_TEST(unread_tensors_have_layers) {
  unsigned char bytes[4096] = {0}, *to = bytes;
  dg_arrays arrays = {.path = "w.h5", .most = 1 << 22};
  dg_error err = {0};
  const dg_sandbox_head head = {.name = 5, .layer = 1, .unread = 4, .label = "fc"};
  to = mempcpy(to, &head, sizeof head);
  to = mempcpy(to, "a/b/cwhat", 9);
  to += sizeof head;
  to = mempcpy(to, &(dg_sandbox_end){.ok = 1}, sizeof(dg_sandbox_end));
  ck_assert_msg(receive(bytes, (size_t)(to - bytes), false, 60, &arrays, &err), "%s", err.message);
  ck_assert_uint_eq(arrays.count, 1);
  ck_assert_str_eq(arrays.items[0].unread, "what");
  ck_assert_uint_eq(arrays.items[0].layer, 1);
  ck_assert_str_eq(arrays.items[0].label, "fc");
  dg_arrays_free(&arrays);
}
END_TEST

/** Messages that never end, or are no text; nothing at all, for too long. */
START_TEST(hostile_ends) {
  struct {
    dg_sandbox_head none;
    dg_sandbox_end end;
  } answer = {.end = {.keras = 77, .ordered = 1u << 31}};
  dg_arrays arrays = {.path = "w.h5"};
  dg_error err = {0};
  memset(answer.end.message, 'm', sizeof answer.end.message);
  refused(receive(&answer, sizeof answer, false, 60, &arrays, &err), &err, "mmm");
  memset(answer.end.message, 0xff, sizeof answer.end.message);
  refused(receive(&answer, sizeof answer, false, 60, &arrays, &err), &err, "can't cope with it");
  refused(receive(&answer, 5, true, 0.1, &arrays, &err), &err, "could not be read within");
  answer.end.ok = 1;
  refused(receive(&answer, sizeof answer, false, 60, &arrays, &err), &err, NULL);
  ck_assert_int_eq(arrays.layout, DG_LAYOUT_KERAS);
  dg_arrays_free(&arrays);
}
END_TEST

static void make_kept(hid_t file) {
  hid_t group = add_group(file, "kept");
  add_sound(group, "inner");
  H5Gclose(group);
}

static void make_other(void) {
  make_file(other, make_kept);
}

int main(void) {
  suite_new_folder(folder);
  snprintf(path, sizeof path, "%s/w.h5", folder);
  snprintf(other, sizeof other, "%s/other.h5", folder);
  snprintf(fifo, sizeof fifo, "%s/fifo", folder);
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED || mkfifo(fifo, 0600) != 0) return perror(fifo), 1;
  TCase *tests = tcase_create("hdf5");
  tcase_add_checked_fixture(tests, make_other, NULL);
  tcase_set_timeout(tests, 300);
  tcase_add_test(tests, other_types_are_not_read);
  tcase_add_loop_test(tests, files_that_do_harm, 0, sizeof files / sizeof *files);
  tcase_add_loop_test(tests, processes_that_do_harm, 0, sizeof processes / sizeof *processes);
  tcase_add_test(tests, what_a_process_sends_is_taken);
  tcase_add_test(tests, a_process_ends_without_ado);
  tcase_add_test(tests, a_process_ends_with_its_parent);
  tcase_add_test(tests, unread_tensors_have_layers);
  tcase_add_loop_test(tests, hostile_answers, 0, sizeof answers / sizeof *answers);
  tcase_add_test(tests, hostile_ends);
  return suite_main("hdf5", tests);
}
