/* Small files that ask for much: each reader of weights takes at most 2 seconds and 512 MB for
 * them. */
#define _GNU_SOURCE /* wait4 */
#include <check.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zip.h>

#include "core/exchange/arrays.h"
#include "core/exchange/numpy/npy.h"
#include "core/weights/safetensors.h"
#include "core/weights/weights.h"
#include "digits/exchange.h"
#include "digits/model.h"
#include "tests/common/suite.h"
#include "tests/exchange/pth.h"

#define GOLDEN DIGITS_SOURCE_DIR "/tests/exchange/data/"

/* Sanitizers take their own time and memory. */
#ifdef DIGITS_TEST_SANITIZED
enum { MAX_SECONDS = 60, MAX_MEGABYTES = 1 << 20 };
#else
enum { MAX_SECONDS = 2, MAX_MEGABYTES = 512 };
#endif
enum { LARGEST_FILE = 256 << 10 };

static char folder[] = "/tmp/digits-bounds-XXXXXX";
static char path[100];
static dg_error *told; /**< of the process that reads */

/* ---- zip files ---------------------------------------------------------- */

static zip_t *begin_zip(const char *extension) {
  snprintf(path, sizeof path, "%s/w%s", folder, extension);
  zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
  ck_assert_ptr_nonnull(zip);
  return zip;
}

/** An entry, packed; the bytes must stay until the file is closed. */
static void add_entry(zip_t *zip, const char *name, const void *bytes, size_t size) {
  zip_source_t *source = zip_source_buffer(zip, bytes, size, 0);
  zip_int64_t place = zip_file_add(zip, name, source, 0);
  ck_assert_int_ge(place, 0);
  zip_set_file_compression(zip, (zip_uint64_t)place, ZIP_CM_DEFLATE, 9);
}

static void end_zip(zip_t *zip) {
  ck_assert_int_eq(zip_close(zip), 0);
}

/** An array of zeros as the bytes of its file, with a type of `unit` bytes. */
static unsigned char *zeros_of(const char *type, const char *shape, const char *order, size_t bytes,
                               size_t *size) {
  char header[200];
  int length = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s}",
                        type, order, shape);
  *size = 10 + (size_t)length + bytes;
  unsigned char *made = calloc(1, *size);
  memcpy(made, "\x93NUMPY\1\0", 8);
  made[8] = (unsigned char)length;
  memcpy(made + 10, header, (size_t)length);
  return made;
}

static void one_array(const char *type, const char *shape, const char *order, size_t bytes) {
  size_t size;
  unsigned char *array = zeros_of(type, shape, order, bytes, &size);
  zip_t *zip = begin_zip(".npz");
  add_entry(zip, "a.w.npy", array, size);
  end_zip(zip);
  free(array);
}

static void many_bytes(void) {
  one_array("|i1", "(70000000,)", "False", 70000000);
}

static void many_numbers(void) {
  one_array("|i1", "(16777216,)", "False", (size_t)1 << 24);
}

static void most_numbers(void) {
  one_array("<f8", "(4194304,)", "False", (size_t)1 << 25);
}

static void most_numbers_by_columns(void) {
  one_array("|i1", "(8,8,8,8,8,8,16,1)", "True", (size_t)1 << 22);
}

/** The same megabytes over and over. */
static void many_arrays(void) {
  size_t size;
  unsigned char *array = zeros_of("<f8", "(1048576,)", "False", (size_t)1 << 23, &size);
  zip_t *zip = begin_zip(".npz");
  for (int i = 0; i < 5; i++) {
    char name[24];
    snprintf(name, sizeof name, "a%d.w.npy", i);
    add_entry(zip, name, array, size);
  }
  end_zip(zip);
  free(array);
}

/** Of as many names as there is room for, each of which is a layer. */
static void many_names(void) {
  size_t size;
  unsigned char *array = zeros_of("<f4", "()", "False", 4, &size);
  zip_t *zip = begin_zip(".npz");
  for (int i = 0; i < 900; i++) {
    char name[64];
    snprintf(name, sizeof name, "layer/of/a/network/%d/w.npy", i);
    add_entry(zip, name, array, size);
  }
  end_zip(zip);
  free(array);
}

/** A list of 2 200 entries whose last is damaged, and 2 000 places that say that it ends there. */
static void many_ends(void) {
  enum { ENTRIES = 2200, ENTRY = 46, ENDS = 2000 };
  snprintf(path, sizeof path, "%s/w.npz", folder);
  FILE *file = fopen(path, "wb");
  const unsigned char entry[ENTRY] = "PK\1\2\24\0\24";
  for (int i = 0; i < ENTRIES; i++) fwrite(entry, 1, ENTRY, file);
  for (int i = 0; i < ENTRY; i++) fputc('x', file);
  const uint16_t count = ENTRIES + 1;
  const uint32_t size = (ENTRIES + 1) * ENTRY, place[2] = {size, 0};
  for (int i = 0; i < ENDS; i++) {
    fwrite("PK\5\6\0\0\0", 1, 8, file);
    fwrite(&count, sizeof count, 1, file);
    fwrite(&count, sizeof count, 1, file);
    fwrite(place, sizeof place, 1, file);
    fwrite("\0", 1, 2, file);
  }
  ck_assert_int_eq(fclose(file), 0);
}

/* ---- pickles ------------------------------------------------------------ */

/** `part` as often as 4 MB have room for it. */
static void long_pickle(const char *head, const char *part) {
  enum { SIZE = (1 << 22) - 100 };
  char *pickle = malloc(SIZE), *at = stpcpy(pickle, head);
  size_t length = strlen(part);
  while (at + length + 1 < pickle + SIZE) at = mempcpy(at, part, length);
  *at++ = '.';
  zip_t *zip = begin_zip(".pth");
  add_entry(zip, "a/data.pkl", pickle, (size_t)(at - pickle));
  end_zip(zip);
  free(pickle);
}

static void many_lists(void) {
  long_pickle("\x80\2", "]");
}

static void many_tuples(void) {
  long_pickle("\x80\2]", "\x85");
}

static void many_triples(void) {
  long_pickle("\x80\2NNN", "\x87NN");
}

static void many_keys(void) {
  long_pickle("\x80\2}", "NNs");
}

static void many_calls(void) {
  long_pickle("\x80\2", "ccollections\nOrderedDict\n)R");
}

static void many_objects(void) {
  long_pickle("\x80\2", "ca\nb\n)\x81}b");
}

static void many_sets(void) {
  long_pickle("\x80\4", "\x8f(NN\x90");
}

/** Each is called by the next. */
static void many_callees(void) {
  long_pickle("\x80\2ca\nb\n", ")R");
}

#define ITSELF(length, name) "\x8c" length name "h\1s"

/** A dictionary that holds itself under usual names and under many others. */
static void many_names_of_one(void) {
  long_pickle("\x80\4}q\1" ITSELF("\5", "model") ITSELF("\3", "net") ITSELF("\6", "module")
                  ITSELF("\6", "params") ITSELF("\7", "weights") ITSELF("\7", "network")
                      ITSELF("\12", "state_dict") ITSELF("\13", "model_state"),
              "\x8c\1ah\1s");
}

/** A long list, of which dictionary after dictionary would be made. */
static void many_pairs(void) {
  char head[20000] = "\x80\2NN\x86q\2]q\1(", *at = head + strlen(head);
  for (int i = 0; i < 9000; i++) at = stpcpy(at, "h\2");
  strcpy(at, "e");
  long_pickle(head, "ccollections\nOrderedDict\nh\1\x85R");
}

/** A file of before PyTorch 1.6 with as many storages as there is room for. */
static void many_storages(void) {
  static const char head[] = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
                             "\x80\2M\xe9\3.\x80\2}X\15\0\0\0little_endian\x88s."
                             "\x80\2ctorch\nCharStorage\nq\0]q\1";
  snprintf(path, sizeof path, "%s/w.pth", folder);
  FILE *file = fopen(path, "wb");
  fwrite(head, 1, sizeof head - 1, file);
  for (int i = 0; i < 11000; i++) fprintf(file, "(Nh%cX%c%c%c%c%05dNK%ctQ0", 0, 5, 0, 0, 0, i, 1);
  fputs(".\x80\2](", file);
  for (int i = 0; i < 100; i++) fprintf(file, "X%c%c%c%c%05d", 5, 0, 0, 0, i);
  fputs("e.", file);
  for (int i = 0; i < 100; i++) fwrite("\1\0\0\0\0\0\0\0x", 1, 9, file);
  ck_assert_int_eq(fclose(file), 0);
}

/** One number, said 2^28 times. */
static void one_number(void) {
  const pth_tensor tensor = {"a.w", "Char", "0", 1, 2, {1 << 14, 1 << 14}, {0, 0}};
  size_t size;
  char *pickle = pth_pickle(&tensor, 1, &size);
  zip_t *zip = begin_zip(".pth");
  add_entry(zip, "a/data.pkl", pickle, size);
  add_entry(zip, "a/data/0", "x", 1);
  end_zip(zip);
  free(pickle);
}

/** Two storages that take turns, each of which is unpacked again and again. */
static void two_storages(void) {
  enum { BYTES = 1 << 17, TENSORS = 2000 };
  static pth_tensor tensors[TENSORS];
  static char names[TENSORS][16];
  for (int i = 0; i < TENSORS; i++) {
    snprintf(names[i], sizeof names[i], "a%d.w", i);
    tensors[i] = (pth_tensor){names[i], "Char", i % 2 ? "1" : "0", BYTES, 1, {1}, {1}};
  }
  size_t size;
  char *pickle = pth_pickle(tensors, TENSORS, &size), *zeros = calloc(1, BYTES);
  zip_t *zip = begin_zip(".pth");
  add_entry(zip, "a/data.pkl", pickle, size);
  add_entry(zip, "a/data/0", zeros, BYTES);
  add_entry(zip, "a/data/1", zeros, BYTES);
  end_zip(zip);
  free(zeros);
  free(pickle);
}

/* ---- other files -------------------------------------------------------- */

/** 700 norms of the same shape, of other names, for the model that travels with them. */
static void many_norms(const char *weight, const char *bias) {
  enum { LAYERS = 700 };
  static const float one = 1;
  dg_stored_tensor tensors[2 * LAYERS];
  char names[2 * LAYERS][16], *text = NULL;
  size_t size;
  FILE *to = open_memstream(&text, &size);
  fputs("name = \"m\"; input = [1, 1, 1]; layers = ({ type = \"flatten\"; }", to);
  for (int i = 0; i < LAYERS; i++) {
    fprintf(to, ", { type = \"layer_norm\"; name = \"a%d\"; }", i);
    for (int k = 0; k < 2; k++) {
      snprintf(names[2 * i + k], sizeof *names, "q%d.%s", i, k ? bias : weight);
      tensors[2 * i + k] =
          (dg_stored_tensor){.name = names[2 * i + k], .rank = 1, .dim = {1}, .data = &one};
    }
  }
  fputs("); loss = \"mse\"; train = { epochs = 1; batch = 1; "
        "optimizer = { type = \"sgd\"; lr = 0.1; }; };",
        to);
  ck_assert_int_eq(fclose(to), 0);
  dg_error err = {0};
  const dg_stored_text carried = {DG_MODEL_KEY, text};
  snprintf(path, sizeof path, "%s/w.safetensors", folder);
  ck_assert_msg(dg_safetensors_write(path, tensors, 2 * LAYERS, &carried, 1, &err), "%s",
                err.message);
  free(text);
}

static void many_layers(void) {
  many_norms("weight", "bias");
}

/** In Keras's layout, where a norm behind an image has its numbers in another order. */
static void many_layers_of_keras(void) {
  many_norms("gamma", "beta");
}

/** 700 layers of other names that fit only transposed. */
static void many_matrices(void) {
  enum { LAYERS = 700 };
  static const float ones[2] = {1, 1};
  dg_stored_tensor tensors[LAYERS];
  char names[LAYERS][16], *text = NULL;
  size_t size;
  FILE *to = open_memstream(&text, &size);
  fputs("name = \"m\"; input = [1, 1, 2]; layers = ({ type = \"flatten\"; }", to);
  for (int i = 0; i < LAYERS; i++) {
    uint64_t in = i % 2 ? 1 : 2;
    fprintf(to, ", { type = \"linear\"; name = \"a%d\"; units = %d; bias = false; }", i, i % 2 + 1);
    snprintf(names[i], sizeof *names, "q%d.weight", i);
    tensors[i] = (dg_stored_tensor){
        .name = names[i], .rank = 2, .dim = {i ? in : 1, i ? 3 - in : 2}, .data = ones};
  }
  fputs("); loss = \"mse\"; train = { epochs = 1; batch = 1; "
        "optimizer = { type = \"sgd\"; lr = 0.1; }; };",
        to);
  ck_assert_int_eq(fclose(to), 0);
  dg_error err = {0};
  const dg_stored_text carried = {DG_MODEL_KEY, text};
  snprintf(path, sizeof path, "%s/w.safetensors", folder);
  ck_assert_msg(dg_safetensors_write(path, tensors, LAYERS, &carried, 1, &err), "%s", err.message);
  free(text);
}

/** Sixteen million zeros. */
static void packed_set(void) {
  const hsize_t count = 1 << 24;
  snprintf(path, sizeof path, "%s/w.h5", folder);
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t how = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, &count, NULL);
  H5Pset_chunk(how, 1, &count);
  H5Pset_deflate(how, 9);
  hid_t set = H5Dcreate2(file, "w", H5T_STD_I8LE, space, H5P_DEFAULT, how, H5P_DEFAULT);
  char *zeros = calloc(1, count);
  ck_assert_int_ge(H5Dwrite(set, H5T_STD_I8LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros), 0);
  free(zeros);
  H5Dclose(set);
  H5Sclose(space);
  H5Pclose(how);
  ck_assert_int_ge(H5Fclose(file), 0);
}

/** Settings of Keras of as many layers as there may be, which read others out of order. */
static void many_settings(void) {
  enum { LAYERS_OF_KERAS = 1500, CALLS = 8 };
  const hsize_t one = 1;
  char *config;
  size_t size;
  FILE *to = open_memstream(&config, &size);
  fputs("{\"class_name\":\"Functional\",\"config\":{\"output_layers\":[[\"0\",0,0]],\"layers\":[",
        to);
  for (int i = 0; i < LAYERS_OF_KERAS; i++) {
    fprintf(to, "%s{\"class_name\":\"Add\",\"name\":\"%d\",\"inbound_nodes\":[[", i ? "," : "", i);
    for (int k = 0; k < CALLS; k++)
      fprintf(to, "%s[\"%d\",0,0]", k ? "," : "", (i + k + 1) % LAYERS_OF_KERAS);
    fputs("]]}", to);
  }
  fputs("]}}", to);
  fclose(to);
  snprintf(path, sizeof path, "%s/w.h5", folder);
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR),
        list = H5Screate_simple(1, &one, NULL);
  H5Tset_size(type, H5T_VARIABLE);
  hid_t attribute = H5Acreate2(file, "model_config", type, space, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(H5Awrite(attribute, type, &config), 0);
  hid_t group = H5Gcreate2(file, "a", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  hid_t set = H5Dcreate2(group, "w", H5T_STD_I8LE, list, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  ck_assert_int_ge(H5Dwrite(set, H5T_STD_I8LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, "x"), 0);
  H5Dclose(set);
  H5Gclose(group);
  H5Aclose(attribute);
  H5Sclose(list);
  H5Sclose(space);
  H5Tclose(type);
  free(config);
  ck_assert_int_ge(H5Fclose(file), 0);
}

/* ---- reading ------------------------------------------------------------ */

static const struct {
  void (*make)(void);
  bool carries; /**< its own model */
  const char *says;
} files[] = {
    {many_bytes, false, "more than a file of"},
    {many_numbers, false, "\"a.w\" makes more numbers than the 4194304"},
    {most_numbers, false, "nothing fits"},
    {most_numbers_by_columns, false, "nothing fits"},
    {many_arrays, false, "makes more numbers than the"},
    {many_names, false, "nothing fits"},
    {many_ends, false, "it ends 2000 times"},
    {many_lists, false, "no state dict was found"},
    {many_tuples, false, "no state dict was found"},
    {many_triples, false, "no state dict was found"},
    {many_keys, false, "no state dict was found"},
    {many_calls, false, "no state dict was found"},
    {many_objects, false, "an object of a.b, not a state dict"},
    {many_sets, false, "no state dict was found"},
    {many_callees, false, "no state dict was found"},
    {many_names_of_one, false, "no state dict was found"},
    {many_pairs, false, "makes dictionaries of one list over and over"},
    {many_storages, false, "no state dict was found"},
    {one_number, false, "\"a.w\" makes more numbers than the 4194304"},
    {two_storages, false, "more than a file of"},
    {many_layers, true, NULL},
    {many_layers_of_keras, true, NULL},
    {many_matrices, true, "could be any of"},
    {many_settings, false, "nothing fits"},
    {packed_set, false, "\"w\" makes more numbers than the 4194304"},
};

/** Converts the file in a process of its own, which is measured. */
static bool convert(bool carries, struct rusage *used) {
  char output[100];
  int status;
  snprintf(output, sizeof output, "%s/out.safetensors", folder);
  memset(told, 0, sizeof *told);
  pid_t reader = fork();
  if (reader == 0) {
    dg_model *model = carries ? NULL : dg_model_load(GOLDEN "image.cfg", NULL, 0, told);
    _exit((carries || model) && dg_weights_convert(path, output, model, NULL, told) ? 0 : 1);
  }
  ck_assert_int_eq(wait4(reader, &status, 0, used), reader);
  ck_assert_msg(WIFEXITED(status), "it was killed by signal %d", WTERMSIG(status));
  return WEXITSTATUS(status) == 0;
}

static double seconds_of(const struct timeval *time) {
  return (double)time->tv_sec + 1e-6 * (double)time->tv_usec;
}

START_TEST(small_files_take_little) {
  struct rusage used;
  files[_i].make();
  FILE *file = fopen(path, "rb");
  fseek(file, 0, SEEK_END);
  ck_assert_int_le(ftell(file), LARGEST_FILE);
  fclose(file);
  bool ok = convert(files[_i].carries, &used);
  double seconds = seconds_of(&used.ru_utime) + seconds_of(&used.ru_stime);
  ck_assert_msg(ok == !files[_i].says, "%s", ok ? "taken" : told->message);
  ck_assert_msg(ok || strstr(told->message, files[_i].says), "expected \"%s\" in: %s",
                files[_i].says, told->message);
  ck_assert_msg(seconds < MAX_SECONDS, "it took %.1f s", seconds);
  ck_assert_msg(used.ru_maxrss < MAX_MEGABYTES * 1024L, "it took %ld KB", used.ru_maxrss);
}
END_TEST

int main(void) {
  told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (told == MAP_FAILED) return perror("mmap"), 1;
  suite_new_folder(folder);
  TCase *tests = tcase_create("exchange_bounds");
  tcase_set_timeout(tests, 300);
  tcase_add_loop_test(tests, small_files_take_little, 0, sizeof files / sizeof *files);
  return suite_main("exchange_bounds", tests);
}
