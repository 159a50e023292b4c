/* The readers of other programs' weight files: types of numbers, and files made to do harm. */
#define _GNU_SOURCE /* memmem */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file/file.h"
#include "core/formats/archive.h"
#include "core/exchange/arrays.h"
#include "core/exchange/files.h"
#include "core/exchange/numpy/npy.h"
#include "digits/exchange.h"
#include "digits/model.h"
#include "tests/common/suite.h"
#include "tests/exchange/pth.h"

#define GOLDEN DIGITS_SOURCE_DIR "/tests/exchange/data/"

static char folder[] = "/tmp/digits-exchange-XXXXXX";
static char path[100], output[100];

/* ---- numbers ------------------------------------------------------------ */

static const struct {
  dg_element element;
  const char *bytes;
  float value;
} numbers[] = {
    {DG_ELEMENT_F32, "\0\0\x80\x3f", 1},
    {DG_ELEMENT_F64, "\0\0\0\0\0\0\x04\xc0", -2.5f},
    {DG_ELEMENT_F16, "\0\x3c", 1},
    {DG_ELEMENT_F16, "\x01\x80", -0x1p-24f},
    {DG_ELEMENT_F16, "\xff\x7b", 65504},
    {DG_ELEMENT_F16, "\0\x04", 0x1p-14f},
    {DG_ELEMENT_F16, "\0\xfc", -INFINITY},
    {DG_ELEMENT_BF16, "\xc0\xbf", -1.5f},
    {DG_ELEMENT_I8, "\x80", -128},
    {DG_ELEMENT_I16, "\xfe\xff", -2},
    {DG_ELEMENT_I32, "\xfd\xff\xff\xff", -3},
    {DG_ELEMENT_I64, "\xfc\xff\xff\xff\xff\xff\xff\xff", -4},
    {DG_ELEMENT_U8, "\x80", 128},
    {DG_ELEMENT_U16, "\xfe\xff", 65534},
    {DG_ELEMENT_U32, "\0\0\0\x80", 0x1p31f},
    {DG_ELEMENT_U64, "\0\0\0\0\0\0\0\x80", 0x1p63f},
};

START_TEST(numbers_of_every_type) {
  ck_assert_float_eq(dg_element_read(numbers[_i].element, numbers[_i].bytes), numbers[_i].value);
  ck_assert(dg_element_is_integer(numbers[_i].element) == (numbers[_i].element >= DG_ELEMENT_I8));
}
END_TEST

START_TEST(a_half_that_is_no_number) {
  ck_assert(isnan(dg_element_read(DG_ELEMENT_F16, "\x01\x7c")));
}
END_TEST

/* ---- converting what must be refused ------------------------------------ */

static void refused(const char *file, const char *says) {
  dg_error err = {0};
  dg_model *model = dg_model_load(GOLDEN "image.cfg", NULL, 0, &err);
  ck_assert_msg(model != NULL, "%s", err.message);
  ck_assert_msg(!dg_weights_convert(file, output, model, NULL, &err),
                "taken, but it should say: %s", says);
  ck_assert_msg(err.kind == DG_ERR_INPUT, "kind %d: %s", err.kind, err.message);
  ck_assert_msg(strncmp(err.message, file, strlen(file)) == 0, "no file in: %s", err.message);
  ck_assert_msg(strstr(err.message, says) != NULL, "expected \"%s\" in: %s", says, err.message);
  ck_assert_int_ne(access(output, F_OK), 0);
  dg_model_free(model);
}

/** A .pth file of this pickle and a storage "0" of 16 bytes. */
static void write_pth(const char *pickle, size_t size) {
  const dg_archive_entry entries[] = {{"a/data.pkl", pickle, size},
                                      {"a/data/0", "0123456789abcdef", 16}};
  dg_error err = {0};
  snprintf(path, sizeof path, "%s/w.pth", folder);
  ck_assert_msg(dg_archive_write(path, entries, 2, NULL, &err), "%s", err.message);
}

#define PICKLE(text) text, sizeof text - 1
/** ("storage", torch.FloatStorage, "0", "cpu", numbers) as a persistent id. */
#define STORAGE(numbers)                                                                           \
  "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"                                               \
  "0X\3\0\0\0cpuK" numbers "tQ"
/** {"w": _rebuild_tensor_v2(storage, offset, shape, stride, False, OrderedDict())} */
#define TENSOR(storage, offset, shape, stride)                                                     \
  "\x80\2}X\1\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(" storage offset shape stride "\x89"       \
  "ccollections\nOrderedDict\n)RtRs."

static const struct {
  const char *pickle;
  size_t size;
  const char *says;
} hostile[] = {
    /* calls */
    {PICKLE("\x80\2cos\nsystem\nX\2\0\0\0id\x85R."),
     "holds an object of os.system, not a state dict of tensors, and nothing was run"},
    {PICKLE("\x80\2cposix\nsystem\nX\2\0\0\0id\x85R."), "an object of posix.system"},
    {PICKLE("\x80\4\x8c\2os\x8c\6system\x93\x8c\2id\x85R."), "an object of system"},
    {PICKLE("\x80\2c__builtin__\neval\nX\1\0\0\0"
            "1\x85R."),
     "an object of __builtin__.eval"},
    {PICKLE("\x80\2}X\5\0\0\0modelc__main__\nNet\n)\x81}bs."), "an object of __main__.Net"},
    {PICKLE("\x80\2c__main__\nNet\n)}\x92."), "an object of __main__.Net"},
    {PICKLE("\x80\2ctorch\nFloatStorage system\n)R."), "an object of torch.FloatStorage?system"},
    {PICKLE("\x80\2ca\x1b[31m\nb\n)R."), "an object of a?[31m.b"},
    {PICKLE("\x80\2ca\nb\n."), "no state dict was found"},
    {PICKLE("\x80\2(ios\nsystem\n."), "has the opcode 0x69"},
    {PICKLE("\x80\2(cos\nsystem\no."), "has the opcode 0x6f"},
    {PICKLE("\x80\2ccollections\nOrderedDict\n)\x81."), "no state dict was found"},
    {PICKLE("\x80\2\x82\1."), "has the opcode 0x82"},
    {PICKLE("\x80\2X\2\0\0\0id)R."), "calls what is no name"},
    {PICKLE("\x80\2ccollections\nOrderedDict\nK\1\x85R."), "no state dict was found"},
    {PICKLE("\x80\2ccollections\nOrderedDict\n]K\1a\x85R."), "of what are no pairs"},
    {PICKLE("\x80\2ccollections\nOrderedDict\n](K\1K\2ta\x85R."), "no state dict was found"},
    {PICKLE("\x80\2]}b."), "sets attributes of what has none"},
    /* damage */
    {PICKLE(""), "is cut"},
    {PICKLE("\x80\2"), "is cut"},
    {PICKLE("\x80\2."), "takes a value where there is none"},
    {PICKLE("\x80\1."), "is of protocol 1; 2 to 5 are read"},
    {PICKLE("\x80\2X\xff\xff\xff\xffw."), "is cut"},
    {PICKLE("\x80\2\x8d\xff\xff\xff\xff\xff\xff\xff\xffw."), "is cut"},
    {PICKLE("\x80\2\x8b\xff\xff\xff\x7f."), "is cut"},
    {PICKLE("\x80\2\x8b\xff\xff\xff\xff."), "is cut"},
    {PICKLE("\x80\2\x8a\x09."), "is cut"},
    {PICKLE("\x80\4\x8e\xff\xff\xff\xff\xff\xff\xff\xffw."), "is cut"},
    {PICKLE("\x80\4\x96\xff\xff\xff\xff\xff\xff\xff\x7fw."), "is cut"},
    {PICKLE("\x80\4K\1\x90."), "looks for a mark"},
    {PICKLE("\x80\4N(K\1\x90."), "adds items to what holds none"},
    {PICKLE("\x80\4\x91."), "looks for a mark"},
    {PICKLE("\x80\5\x97."), "has the opcode 0x97"},
    {PICKLE("\x80\2Nr\xff\xff\xff\x7f."), "place 2147483647 of its memo is out of range"},
    {PICKLE("\x80\2j\xff\xff\xff\x7f."), "nothing was remembered at place 2147483647"},
    {PICKLE("\x80\2h\0."), "nothing was remembered at place 0"},
    {PICKLE("\x80\2(q\0."), "it remembers a value where there is none"},
    {PICKLE("\x80\2t."), "looks for a mark"},
    {PICKLE("\x80\2(\x85."), "a mark within a tuple"},
    {PICKLE("\x80\2N\x86."), "takes a value where there is none"},
    {PICKLE("\x80\2(K\1d."), "a key without a value"},
    {PICKLE("\x80\2}(K\1u."), "a key without a value"},
    {PICKLE("\x80\2NK\1a."), "adds items to what holds none"},
    {PICKLE("\x80\2(K\1e."), "adds items to what holds none"},
    {PICKLE("a"), "adds items to what holds none"},
    {PICKLE("\x80\2Ns."), "adds items to what holds none"},
    {PICKLE("\x80\2K\1Ra."), "takes a value where there is none"},
    {PICKLE("\x80\2"
            "cos"),
     "is cut"},
    /* no weights */
    {PICKLE("\x80\2]."), "no state dict was found"},
    {PICKLE("\x80\2}X\5\0\0\0modelh\0s."), "nothing was remembered"},
    {PICKLE("\x80\2}q\0X\5\0\0\0modelh\0s."), "no state dict was found"},
    /* tensors */
    {PICKLE(TENSOR(STORAGE("\4"), "K\0", "K\2\x85", "K\1\x85")), "name no layer"},
    {PICKLE(TENSOR(STORAGE("\4"), "K\3", "K\2\x85", "K\1\x85")), "reaches beyond its storage"},
    {PICKLE(TENSOR(STORAGE("\4"), "K\0", "K\2\x85", "K\4\x85")), "reaches beyond its storage"},
    {PICKLE(TENSOR(STORAGE("\5"), "K\0", "K\5\x85", "K\1\x85")), "fewer numbers in the file"},
    {PICKLE(TENSOR(STORAGE("\4"), "J\xff\xff\xff\xff", "K\2\x85", "K\1\x85")),
     "is not of a form that is read"},
    {PICKLE(TENSOR(STORAGE("\4"), "K\0", "J\xff\xff\xff\xff\x85", "K\1\x85")),
     "is not of a form that is read"},
    {PICKLE(TENSOR(STORAGE("\4"), "K\0", "K\2\x85", "K\1K\1\x86")),
     "is not of a form that is read"},
    {PICKLE(TENSOR("N", "K\0", "K\2\x85", "K\1\x85")), "is not of a form that is read"},
    {PICKLE(TENSOR("K\1Q", "K\0", "K\2\x85", "K\1\x85")), "is not of a form that is read"},
    {PICKLE(TENSOR(STORAGE("\4"), "K\0", "J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", "K\0K\0\x86")),
     "makes more numbers"},
    {PICKLE("\x80\2}K\1ctorch._utils\n_rebuild_tensor_v2\n(tRs."), "a tensor's name is no text"},
    {PICKLE("\x80\2}X\1\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(tRs."),
     "is not of a form that is read"},
    {PICKLE("\x80\2}X\1\0\0\0wctorch._utils\n_rebuild_parameter\n)Rs."), "no state dict was found"},
};

START_TEST(hostile_pickles_are_refused) {
  write_pth(hostile[_i].pickle, hostile[_i].size);
  refused(path, hostile[_i].says);
}
END_TEST

/* ---- the order of bytes ------------------------------------------------- */

/** The same number in every type that storages have, big-endian. */
static const struct {
  const char *type, *bytes;
  int32_t size;
  float value;
} big[] = {{"Float", "\x3f\xc0\0\0", 4, 1.5f},
           {"Double", "\xc0\x04\0\0\0\0\0\0", 8, -2.5f},
           {"Half", "\x3c\0", 2, 1},
           {"BFloat16", "\xbf\xc0", 2, -1.5f},
           {"Char", "\x80", 1, -128},
           {"Short", "\xff\xfe", 2, -2},
           {"Int", "\xff\xff\xff\xfd", 4, -3},
           {"Long", "\0\0\0\0\0\0\1\0", 8, 256},
           {"Byte", "\x80", 1, 128}};

/** Reads "a.w": the same number twice, with an entry that says the order of bytes (NULL: none). */
static bool read_ordered(int i, const char *order, dg_arrays *arrays, dg_error *err) {
  const pth_tensor tensor = {"a.w", big[i].type, "0", 2, 1, {2}, {1}};
  char storage[16], *pickle;
  size_t size;
  memcpy(storage, big[i].bytes, (size_t)big[i].size);
  memcpy(storage + big[i].size, big[i].bytes, (size_t)big[i].size);
  pickle = pth_pickle(&tensor, 1, &size);
  const dg_archive_entry entries[] = {{"a/data.pkl", pickle, size},
                                      {"a/data/0", storage, 2 * (size_t)big[i].size},
                                      {"a/byteorder", order, order ? strlen(order) : 0}};
  snprintf(path, sizeof path, "%s/w.pth", folder);
  *arrays = (dg_arrays){.path = path};
  ck_assert_msg(dg_archive_write(path, entries, order ? 3 : 2, NULL, err), "%s", err->message);
  free(pickle);
  return dg_read_pytorch(arrays, err);
}

START_TEST(numbers_of_other_machines) {
  dg_arrays arrays;
  dg_error err = {0};
  ck_assert_msg(read_ordered(_i, "big", &arrays, &err), "%s", err.message);
  ck_assert_uint_eq(arrays.items[0].count, 2);
  ck_assert_float_eq(arrays.items[0].data[0], big[_i].value);
  ck_assert_float_eq(arrays.items[0].data[1], big[_i].value);
  dg_arrays_free(&arrays);
}
END_TEST

START_TEST(orders_of_bytes) {
  static const struct {
    const char *order, *says;
  } orders[] = {{"little", NULL},          {NULL, NULL},
                {"", "says neither"},      {"BIG", "says neither"},
                {"large", "says neither"}, {"big-endian", "unpacks to 10 bytes"}};
  for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
    dg_arrays arrays;
    dg_error err = {0};
    bool ok = read_ordered(7, orders[i].order, &arrays, &err);
    ck_assert_msg(ok == !orders[i].says, "%s", ok ? "taken" : err.message);
    ck_assert_msg(ok || strstr(err.message, orders[i].says), "%s", err.message);
    if (ok) ck_assert_float_eq(arrays.items[0].data[0], 0x1p48f); /* 256 from the other end */
    dg_arrays_free(&arrays);
  }
}
END_TEST

/** What has no meaning as one number is refused in any order where it is needed. */
START_TEST(complex_numbers_are_refused) {
  const pth_tensor tensor = {"a.w", "ComplexFloat", "0", 2, 1, {2}, {1}};
  size_t size;
  char *pickle = pth_pickle(&tensor, 1, &size);
  write_pth(pickle, size);
  refused(path, "\"a.w\" has the type ComplexFloat, which is not read");
  free(pickle);
}
END_TEST

/** A checkpoint of two networks is refused: which of them is meant? */
START_TEST(one_network_of_two_is_not_chosen) {
  const pth_tensor tensor = {"a.w", "Float", "0", 4, 1, {4}, {1}};
  size_t size, length = 3;
  char *dict = pth_pickle(&tensor, 1, &size), pickle[2000] = "\x80\2}";
  static const char *const words[] = {"net", "state_dict"};
  for (size_t i = 0; i < 2; i++) {
    const char *word = words[i];
    memcpy(pickle + length, (char[]){'X', (char)strlen(word), 0, 0, 0}, 5);
    memcpy(pickle + length + 5, word, strlen(word));
    length += 5 + strlen(word);
    memcpy(pickle + length, dict + 2, size - 3); /* without protocol and end */
    length += size - 3;
    pickle[length++] = 's';
  }
  pickle[length++] = '.';
  write_pth(pickle, length);
  refused(path, "both \"state_dict\" and \"net\" have weights");
  free(dict);
}
END_TEST

/* ---- depth -------------------------------------------------------------- */

/** A pickle of `head`, many times `part`, and `tail`. */
static void refuse_long(const char *head, const char *part, size_t times, const char *tail,
                        const char *says) {
  size_t size = strlen(head) + times * strlen(part) + strlen(tail) + 1;
  char *pickle = malloc(size), *end = pickle;
  end += sprintf(end, "%s", head);
  for (size_t i = 0; i < times; i++) end = stpcpy(end, part);
  end = stpcpy(end, tail);
  write_pth(pickle, (size_t)(end - pickle));
  refused(path, says);
  free(pickle);
}

START_TEST(depth_and_size_do_no_harm) {
  refuse_long("\x80\2", "(", 2000000, ".", "takes a value where there is none");
  refuse_long("\x80\2", "]", 2000000, ".", "no state dict was found");
  refuse_long("\x80\2]", "\x85", 1000000, ".", "no state dict was found");
  refuse_long("\x80\2]", "2\x86", 1000000, ".",
              "no state dict was found");                                 /* of 2^1000000 leaves */
  refuse_long("\x80\2]", "2a2a", 500000, ".", "no state dict was found"); /* it holds itself */
  refuse_long("\x80\2", "N", 5000000, ".", "its pickle has 5000003 bytes, more than");
}
END_TEST

/* ---- cut and changed files ---------------------------------------------- */

static char *golden(const char *name, size_t *size) {
  char from[300];
  dg_error err = {0};
  snprintf(from, sizeof from, "%s%s", GOLDEN, name);
  char *content = dg_file_read(from, UINT64_MAX, size, &err);
  ck_assert_msg(content != NULL, "%s", err.message);
  return content;
}

static void write_file(const char *extension, const char *bytes, size_t size) {
  snprintf(path, sizeof path, "%s/w%s", folder, extension);
  FILE *file = fopen(path, "wb");
  fwrite(bytes, 1, size, file);
  ck_assert_int_eq(fclose(file), 0);
}

static const struct {
  const char *name, *extension;
  size_t step;
} files[] = {{"pytorch/image.pth", ".pth", 17},
             {"numpy/image.fortran.npz", ".npz", 17},
             {"hdf5/image.weights.h5", ".h5", 601},
             {"hdf5/image.keras3.h5", ".h5", 601},
             {"image.safetensors", ".safetensors", 17}};

START_TEST(cut_files_are_refused) {
  size_t size;
  char *whole = golden(files[_i].name, &size);
  for (size_t cut = 0; cut < size; cut += files[_i].step) {
    write_file(files[_i].extension, whole, cut);
    refused(path, "");
  }
  free(whole);
}
END_TEST

/** Bytes changed here and there: an error, or other numbers; never a crash (see the sanitizers). */
START_TEST(changed_files_do_no_harm) {
  size_t size;
  char *whole = golden(files[_i].name, &size);
  dg_error err = {0};
  dg_model *model = dg_model_load(GOLDEN "image.cfg", NULL, 0, &err);
  const dg_convert_options nowhere = {.size = sizeof(dg_convert_options), .to = "safetensors"};
  uint32_t random = 1;
  for (int round = 0; round < 100; round++) {
    char kept[4];
    size_t at[4];
    for (int k = 0; k < 4; k++) {
      random = random * 1664525 + 1013904223;
      at[k] = (random >> 4) % size;
      kept[k] = whole[at[k]];
      whole[at[k]] = (char)(random >> 24);
    }
    write_file(files[_i].extension, whole, size);
    err = (dg_error){0};
    bool ok =
        dg_weights_convert(path, "/dev/null", model, &nowhere, &err); /* no file to be flushed */
    ck_assert(ok == (err.kind == DG_OK));
    for (int k = 4; k-- > 0;) whole[at[k]] = kept[k];
  }
  dg_model_free(model);
  free(whole);
}
END_TEST

/** An entry that says to unpack to more than 4 GB. */
START_TEST(zip_bombs_are_refused) {
  static const char central[] = "PK\1\2";
  size_t size;
  char *whole = golden("numpy/image.fortran.npz", &size);
  char *at = memmem(whole, size, central, 4);
  ck_assert_ptr_nonnull(at);
  memset(at + 24, 0xf0, 4); /* the unpacked size */
  write_file(".npz", whole, size);
  refused(path, "unpacks to 4042322160 bytes, more than a file of");
  free(whole);
}
END_TEST

/* ---- numpy's headers ---------------------------------------------------- */

static const struct {
  const char *dictionary;
  const char *says;
} headers[] = {
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", NULL},
    {"{\"shape\":(1,2),\"fortran_order\":True,\"descr\":\"<f4\"}", NULL},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (1L, 2L), }", NULL},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2LL,), }", "no sound .npy"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (L,), }", "no sound .npy"},
    {"{'descr': [('a', '<f4'), 'fortran_order': False, 'shape': (2,), }", "no sound .npy"},
    {"{'descr': [('a, '<f4')], 'fortran_order': False, 'shape': (2,), }", "no sound .npy"},
    {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }", "no sound .npy"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", "no sound .npy"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2 }", "no sound .npy"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,2)}", "no sound .npy"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,)}",
     "no sound .npy"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,)}",
     "are not what its shape"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296,4294967296)}",
     "are not what its shape"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}", "the 8 bytes of \"a\" are not"},
    {"{'descr': '<f4', 'fortran_order': False}", "no sound .npy"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)} x", "no sound .npy"},
    {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}", "no sound .npy"},
    {"", "no sound .npy"},
};

START_TEST(headers_of_numpy) {
  unsigned char bytes[300] = "\x93NUMPY\1";
  static const float two[] = {3, -4};
  size_t length = strlen(headers[_i].dictionary);
  bytes[8] = (unsigned char)length;
  memcpy(bytes + 10, headers[_i].dictionary, length);
  memcpy(bytes + 10 + length, two, sizeof two);
  dg_arrays arrays = {.path = "w.npz"};
  dg_error err = {0};
  bool ok = dg_npy_read(&arrays, "a", bytes, 10 + length + sizeof two, &err);
  ck_assert(ok == (headers[_i].says == NULL));
  if (ok) ck_assert_mem_eq(arrays.items[0].data, two, sizeof two);
  if (!ok)
    ck_assert_msg(strstr(err.message, headers[_i].says) != NULL, "expected \"%s\" in: %s",
                  headers[_i].says, err.message);
  dg_arrays_free(&arrays);
}
END_TEST

/** The type in a header, what the same eight bytes are in it, and why they are not read. */
static const struct {
  const char *type, *bytes;
  float value;
  const char *unread;
} types[] = {
    {"'>f4'", "\x3f\xc0\0\0\x3f\xc0\0\0", 1.5f, NULL},
    {"'>f8'", "\xc0\x04\0\0\0\0\0\0", -2.5f, NULL},
    {"'>f2'", "\x3c\0\x3c\0\x3c\0\x3c\0", 1, NULL},
    {"'>i2'", "\xff\xfe\xff\xfe\xff\xfe\xff\xfe", -2, NULL},
    {"'>u4'", "\x80\0\0\0\x80\0\0\0", 0x1p31f, NULL},
    {"'=i2'", "\1\0\1\0\1\0\1\0", 1, NULL},
    {"'|O'", "\x80\4K\1.\0\0\0", 0, "has the type |O, which is no number"},
    {"'<U2'", "a\0\0\0b\0\0\0", 0, "has the type <U2, which is no number"},
    {"'|S8'", "abcdefgh", 0, "has the type |S8, which is no number"},
    {"'<c8'", "\0\0\0\0\0\0\0\0", 0, "has the type <c8, which is not read"},
    {"'<M8[ns]'", "\0\0\0\0\0\0\0\0", 0, "has the type <M8[ns], which is not read"},
    {"'|V8'", "\0\0\0\0\0\0\0\0", 0, "has the type |V8, which is not read"},
    {"'f4'", "\0\0\0\0\0\0\0\0", 0, "has the type f4, which is not read"},
    {"[('a', '<f4'), (']\\\"', '<f4', (1,))]", "\0\0\0\0\0\0\0\0", 0, "has the type of a record"},
};

START_TEST(types_of_numpy) {
  unsigned char bytes[300] = "\x93NUMPY\1";
  int unit = types[_i].unread ? 8 : types[_i].type[3] - '0';
  int length =
      snprintf((char *)bytes + 10, 200, "{'descr': %s, 'fortran_order': False, 'shape': (%d,), }",
               types[_i].type, 8 / unit);
  bytes[8] = (unsigned char)length;
  memcpy(bytes + 10 + length, types[_i].bytes, 8);
  dg_arrays arrays = {.path = "w.npz"};
  dg_error err = {0};
  ck_assert_msg(dg_npy_read(&arrays, "a", bytes, 18 + (size_t)length, &err), "%s", err.message);
  const dg_array *array = &arrays.items[0];
  ck_assert_uint_eq(array->rank, 1);
  ck_assert_uint_eq(array->dim[0], (uint64_t)(8 / unit));
  ck_assert_uint_eq(array->count, types[_i].unread ? 0 : (uint64_t)(8 / unit));
  for (uint64_t k = 0; k < array->count; k++) ck_assert_float_eq(array->data[k], types[_i].value);
  ck_assert((array->unread != NULL) == (types[_i].unread != NULL));
  if (array->unread)
    ck_assert_msg(strstr(array->unread, types[_i].unread) != NULL, "%s", array->unread);
  dg_arrays_free(&arrays);
}
END_TEST

int main(void) {
  suite_new_folder(folder);
  snprintf(output, sizeof output, "%s/out.safetensors", folder);
  TCase *tests = tcase_create("exchange");
  tcase_set_timeout(tests, 300);
  tcase_add_loop_test(tests, numbers_of_every_type, 0, sizeof numbers / sizeof *numbers);
  tcase_add_test(tests, a_half_that_is_no_number);
  tcase_add_loop_test(tests, hostile_pickles_are_refused, 0, sizeof hostile / sizeof *hostile);
  tcase_add_loop_test(tests, numbers_of_other_machines, 0, sizeof big / sizeof *big);
  tcase_add_test(tests, orders_of_bytes);
  tcase_add_test(tests, complex_numbers_are_refused);
  tcase_add_test(tests, one_network_of_two_is_not_chosen);
  tcase_add_test(tests, depth_and_size_do_no_harm);
  tcase_add_loop_test(tests, cut_files_are_refused, 0, sizeof files / sizeof *files);
  tcase_add_loop_test(tests, changed_files_do_no_harm, 0, sizeof files / sizeof *files);
  tcase_add_test(tests, zip_bombs_are_refused);
  tcase_add_loop_test(tests, headers_of_numpy, 0, sizeof headers / sizeof *headers);
  tcase_add_loop_test(tests, types_of_numpy, 0, sizeof types / sizeof *types);
  return suite_main("exchange", tests);
}
