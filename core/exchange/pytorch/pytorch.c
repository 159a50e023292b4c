/** PyTorch's state dicts: the tensors in the pickle of a .pth file, and their numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/exchange/archive.h"
#include "core/exchange/files.h"
#include "core/exchange/pytorch/pickle.h"

/* The globals of a state dict. The storages have the order of `storage_elements`. */
enum { FIRST_STORAGE = 0, STORAGES = 9, PARAMETER = STORAGES, TENSOR };
static const char *const names[] = {"torch HalfStorage",
                                    "torch BFloat16Storage",
                                    "torch FloatStorage",
                                    "torch DoubleStorage",
                                    "torch CharStorage",
                                    "torch ShortStorage",
                                    "torch IntStorage",
                                    "torch LongStorage",
                                    "torch ByteStorage",
                                    "torch._utils _rebuild_parameter",
                                    "torch._utils _rebuild_tensor_v2",
                                    "collections OrderedDict",
                                    NULL};
static const dg_element storage_elements[STORAGES] = {
    DG_ELEMENT_F16, DG_ELEMENT_BF16, DG_ELEMENT_F32, DG_ELEMENT_F64, DG_ELEMENT_I8,
    DG_ELEMENT_I16, DG_ELEMENT_I32,  DG_ELEMENT_I64, DG_ELEMENT_U8};

enum { LARGEST_PICKLE = 1 << 22, DEEPEST = 4 };

/** A file that is being read. */
typedef struct {
  dg_arrays *arrays;
  dg_archive *archive;
  dg_pickle pickle;
  const char *prefix; /**< of the entries' names: "archive/" */
  size_t prefix_length;
  bool big_endian;
  uint64_t entry; /**< entry whose bytes are in `storage` */
  unsigned char *storage;
  size_t storage_size;
  dg_error *err;
} reading;

static bool refuse(const reading *r, const char *name, const char *what) {
  return dg_fail(r->err, DG_ERR_INPUT, "%s: \"%.100s\" %s", r->arrays->path, name, what);
}

/* ---- tensors ------------------------------------------------------------ */

/** Where the numbers of a tensor are stored. */
typedef struct {
  dg_element element;
  const dg_pickle_value *key; /**< name of the entry after "data/" */
  int64_t numbers, offset;
  uint32_t rank;
  uint64_t dim[DG_TENSOR_RANK], stride[DG_TENSOR_RANK];
} tensor;

/** The arguments of a call of name number `callee`; NULL: it is not such a call. */
static const dg_pickle_value *arguments_of(const reading *r, const dg_pickle_value *value,
                                           int callee) {
  if (!value || value->kind != DG_PICKLE_CALL) return NULL;
  const dg_pickle_value *name = dg_pickle_item(&r->pickle, value, 0);
  return name->integer == callee ? dg_pickle_item(&r->pickle, value, 1) : NULL;
}

/** The arguments of _rebuild_tensor_v2 for a tensor or a parameter; NULL: it is neither. */
static const dg_pickle_value *tensor_arguments(const reading *r, const dg_pickle_value *value) {
  const dg_pickle_value *parameter = arguments_of(r, value, PARAMETER);
  if (parameter) value = dg_pickle_item(&r->pickle, parameter, 0);
  return arguments_of(r, value, TENSOR);
}

static bool read_integer(const dg_pickle_value *value, int64_t *out) {
  if (!value || value->kind != DG_PICKLE_INTEGER || value->integer < 0) return false;
  *out = value->integer;
  return true;
}

static bool read_sizes(const reading *r, const dg_pickle_value *tuple, uint32_t rank,
                       uint64_t *out) {
  if (!tuple || tuple->kind != DG_PICKLE_TUPLE || tuple->count != rank) return false;
  for (uint32_t i = 0; i < rank; i++) {
    int64_t size;
    if (!read_integer(dg_pickle_item(&r->pickle, tuple, i), &size)) return false;
    out[i] = (uint64_t)size;
  }
  return true;
}

/** ("storage", type, key, device, numbers). */
static bool read_storage(const reading *r, const dg_pickle_value *persistent, tensor *t) {
  if (!persistent || persistent->kind != DG_PICKLE_PERSISTENT) return false;
  const dg_pickle_value *tuple = dg_pickle_item(&r->pickle, persistent, 0);
  const dg_pickle_value *type = dg_pickle_item(&r->pickle, tuple, 1);
  t->key = dg_pickle_item(&r->pickle, tuple, 2);
  if (!dg_pickle_is(dg_pickle_item(&r->pickle, tuple, 0), "storage") || !type ||
      type->kind != DG_PICKLE_GLOBAL || type->integer >= STORAGES || !t->key ||
      t->key->kind != DG_PICKLE_TEXT)
    return false;
  t->element = storage_elements[type->integer];
  return read_integer(dg_pickle_item(&r->pickle, tuple, 4), &t->numbers);
}

/** (storage, offset, sizes, strides, …). */
static bool read_tensor(const reading *r, const dg_pickle_value *arguments, tensor *t) {
  const dg_pickle_value *sizes = dg_pickle_item(&r->pickle, arguments, 2);
  if (!sizes || sizes->kind != DG_PICKLE_TUPLE || sizes->count > DG_TENSOR_RANK) return false;
  t->rank = sizes->count;
  return read_storage(r, dg_pickle_item(&r->pickle, arguments, 0), t) &&
         read_integer(dg_pickle_item(&r->pickle, arguments, 1), &t->offset) &&
         read_sizes(r, sizes, t->rank, t->dim) &&
         read_sizes(r, dg_pickle_item(&r->pickle, arguments, 3), t->rank, t->stride);
}

/** Are all numbers of the tensor within its storage? */
static bool inside(const tensor *t) {
  uint64_t last = (uint64_t)t->offset, end = (uint64_t)t->numbers;
  for (uint32_t i = 0; i < t->rank; i++) {
    if (t->dim[i] == 0) return true;
    if (t->stride[i] && t->dim[i] - 1 > end / t->stride[i]) return false;
    last += (t->dim[i] - 1) * t->stride[i];
    if (last >= end) return false;
  }
  return last < end;
}

/** The index in the storage of number `i` (row-major) of the tensor. */
static uint64_t storage_index(const tensor *t, uint64_t i) {
  uint64_t index = (uint64_t)t->offset;
  for (uint32_t d = t->rank; d-- > 0; i /= t->dim[d]) index += i % t->dim[d] * t->stride[d];
  return index;
}

/** The entry PREFIX FOLDER NAME, whose name has `length` bytes. */
static bool find_entry(const reading *r, const char *folder, const char *name, size_t length,
                       uint64_t *entry) {
  size_t ahead = r->prefix_length, within = strlen(folder);
  for (*entry = 0; *entry < dg_archive_count(r->archive); ++*entry) {
    const char *full = dg_archive_name(r->archive, *entry);
    if (full && strlen(full) == ahead + within + length && memcmp(full, r->prefix, ahead) == 0 &&
        memcmp(full + ahead, folder, within) == 0 &&
        memcmp(full + ahead + within, name, length) == 0)
      return true;
  }
  return false;
}

/** Reads a storage, unless it is the one that was read last. */
static bool load_storage(reading *r, const char *name, const tensor *t) {
  uint64_t entry, size = dg_element_size(t->element);
  if (!find_entry(r, "data/", t->key->text, t->key->length, &entry))
    return refuse(r, name, "has no numbers in the file");
  if (!r->storage || r->entry != entry) {
    free(r->storage);
    r->storage = dg_archive_read(r->archive, entry, UINT64_MAX, &r->storage_size, r->err);
    r->entry = entry;
  }
  if (!r->storage) return false;
  return (uint64_t)t->numbers <= r->storage_size / size ||
         refuse(r, name, "has fewer numbers in the file than its pickle says");
}

static bool add_tensor(reading *r, const char *name, const dg_pickle_value *arguments) {
  tensor t;
  if (!read_tensor(r, arguments, &t))
    return refuse(r, name,
                  "is not of a type or form that is read: save it as a dense float tensor");
  if (!inside(&t)) return refuse(r, name, "reaches beyond its storage");
  dg_array *array =
      dg_arrays_add(r->arrays, name, t.rank, t.dim, dg_element_is_integer(t.element), r->err);
  if (!array || !load_storage(r, name, &t)) return false;
  size_t size = dg_element_size(t.element);
  for (uint64_t i = 0; i < array->count; i++) {
    const unsigned char *from = r->storage + storage_index(&t, i) * size;
    array->data[i] =
        r->big_endian ? dg_element_read_big(t.element, from) : dg_element_read(t.element, from);
  }
  return true;
}

/* ---- dictionaries ------------------------------------------------------- */

/** The next key and value of a dictionary from `*cell` on; false: there is none. */
static bool next_item(const reading *r, uint32_t *left, uint32_t *cell, const dg_pickle_value **key,
                      const dg_pickle_value **value) {
  if (*left == 0) return false;
  const dg_pickle_cell *at = &r->pickle.cells[*cell], *behind = &r->pickle.cells[at->next];
  *key = &r->pickle.values[at->value];
  *value = &r->pickle.values[behind->value];
  *cell = behind->next;
  *left -= 2;
  return true;
}

static bool holds_tensors(const reading *r, const dg_pickle_value *dict) {
  const dg_pickle_value *key, *value;
  uint32_t left = dict->count, cell = dict->first;
  while (next_item(r, &left, &cell, &key, &value))
    if (tensor_arguments(r, value)) return true;
  return false;
}

/** The dictionary of that name in another; NULL: there is none. */
static const dg_pickle_value *dict_within(const reading *r, const dg_pickle_value *dict,
                                          const char *name) {
  const dg_pickle_value *key, *value;
  uint32_t left = dict->count, cell = dict->first;
  while (next_item(r, &left, &cell, &key, &value))
    if (dg_pickle_is(key, name) && value->kind == DG_PICKLE_DICT) return value;
  return NULL;
}

/** The nested dictionary that has the weights, or may have them; NULL: there is none. Two with
    weights are an error, since they belong to two networks. */
static bool find_within(const reading *r, const dg_pickle_value *dict,
                        const dg_pickle_value **found) {
  static const char *const usual[] = {"state_dict", "model_state_dict", "model",
                                      "net",        "network",          "weights"};
  const char *name = NULL; /* of the dictionary with weights */
  *found = NULL;
  for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
    const dg_pickle_value *within = dict_within(r, dict, usual[i]);
    bool weights = within && holds_tensors(r, within);
    if (weights && name)
      return dg_fail(r->err, DG_ERR_INPUT,
                     "%s: both \"%s\" and \"%s\" have weights; save the one that is meant by "
                     "torch.save(model.state_dict(), FILE)",
                     r->arrays->path, name, usual[i]);
    if (within && (weights || !*found)) *found = within;
    if (weights) name = usual[i];
  }
  return true;
}

static bool add_all(reading *r, const dg_pickle_value *dict) {
  const dg_pickle_value *key, *value;
  uint32_t left = dict->count, cell = dict->first;
  while (next_item(r, &left, &cell, &key, &value)) {
    const dg_pickle_value *arguments = tensor_arguments(r, value);
    char name[300];
    if (!arguments) continue;
    if (key->kind != DG_PICKLE_TEXT || key->length >= sizeof name ||
        memchr(key->text, '\0', key->length))
      return dg_fail(r->err, DG_ERR_INPUT, "%s: a tensor's name is no text, or too long",
                     r->arrays->path);
    snprintf(name, sizeof name, "%.*s", (int)key->length, key->text);
    if (!add_tensor(r, name, arguments)) return false;
  }
  return true;
}

static bool read_dict(reading *r) {
  const dg_pickle_value *dict = &r->pickle.values[r->pickle.root];
  for (int i = 0; i < DEEPEST && dict && dict->kind == DG_PICKLE_DICT; i++) {
    if (holds_tensors(r, dict)) return add_all(r, dict);
    if (!find_within(r, dict, &dict)) return false;
  }
  return dg_fail(r->err, DG_ERR_INPUT,
                 "%s: no state dict was found, at the top or under \"state_dict\" or \"model\"; "
                 "save it by torch.save(model.state_dict(), FILE)",
                 r->arrays->path);
}

/* ---- the file ----------------------------------------------------------- */

/** Finds the entry "data.pkl" in any folder; fills in the prefix. */
static bool find_pickle(reading *r, uint64_t *entry) {
  static const char wanted[] = "data.pkl";
  for (*entry = 0; *entry < dg_archive_count(r->archive); ++*entry) {
    const char *name = dg_archive_name(r->archive, *entry);
    size_t length = name ? strlen(name) : 0, end = sizeof wanted - 1;
    if (length < end || strcmp(name + length - end, wanted) != 0) continue;
    if (length > end && name[length - end - 1] != '/') continue;
    r->prefix = name;
    r->prefix_length = length - end;
    return true;
  }
  return dg_fail(r->err, DG_ERR_INPUT, "%s: no file of torch.save: it has no data.pkl",
                 r->arrays->path);
}

/** The byte order: in the entry "byteorder" since PyTorch 2.1; before that always little-endian. */
static bool read_byte_order(reading *r) {
  static const char name[] = "byteorder", big[] = "big", little[] = "little";
  uint64_t entry;
  size_t size;
  if (!find_entry(r, "", name, sizeof name - 1, &entry)) return true;
  unsigned char *text = dg_archive_read(r->archive, entry, sizeof little - 1, &size, r->err);
  if (!text) return false;
  r->big_endian = size == sizeof big - 1 && memcmp(text, big, size) == 0;
  bool known = r->big_endian || (size == sizeof little - 1 && memcmp(text, little, size) == 0);
  free(text);
  return known || dg_fail(r->err, DG_ERR_INPUT,
                          "%s: its entry \"byteorder\" says neither \"little\" nor \"big\"",
                          r->arrays->path);
}

bool dg_read_pytorch(dg_arrays *arrays, dg_error *err) {
  reading r = {.arrays = arrays, .err = err};
  r.archive = dg_archive_open(arrays->path, err);
  if (!r.archive) return false;
  dg_arrays_bound(arrays, dg_archive_size(r.archive));
  uint64_t entry;
  size_t size;
  unsigned char *bytes = find_pickle(&r, &entry) && read_byte_order(&r)
                             ? dg_archive_read(r.archive, entry, LARGEST_PICKLE, &size, err)
                             : NULL;
  bool ok = bytes && dg_pickle_read(&r.pickle, arrays->path, (const char *)bytes, size, names, err);
  ok = ok && read_dict(&r);
  arrays->ordered = true;
  dg_pickle_free(&r.pickle);
  free(r.storage);
  free(bytes);
  dg_archive_close(r.archive);
  return ok;
}
