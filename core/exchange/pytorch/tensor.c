#include "core/exchange/pytorch/tensor.h"

#include <stdio.h>
#include <string.h>

#include "core/exchange/pytorch/globals.h"

/** Where the numbers of a tensor are stored. */
typedef struct {
  const dg_storage_type *type;
  const dg_pickle_value *key; /**< of its storage */
  int64_t numbers, offset;    /**< in its storage */
  uint32_t rank;
  uint64_t dim[DG_TENSOR_RANK], stride[DG_TENSOR_RANK];
} tensor;

static bool refuse(const dg_pytorch_file *file, const char *name, const char *what) {
  return dg_fail(file->err, DG_ERR_INPUT, "%s: \"%.100s\" %s", file->arrays->path, name, what);
}

/* ---- what makes a tensor ------------------------------------------------ */

/** The index of the known name that is called; -1: it is no such call. */
static int64_t callee_of(const dg_pytorch_file *file, const dg_pickle_value *value) {
  if (!value || value->kind != DG_PICKLE_CALL) return -1;
  const dg_pickle_value *callee = dg_pickle_item(&file->pickle, value, 0);
  return callee->kind == DG_PICKLE_GLOBAL ? callee->integer : -1;
}

/** Item `i` of the arguments of a call; NULL: there is none. */
static const dg_pickle_value *argument(const dg_pytorch_file *file, const dg_pickle_value *call,
                                       uint32_t i) {
  return dg_pickle_item(&file->pickle, dg_pickle_item(&file->pickle, call, 1), i);
}

/** Is it the name of one of PyTorch's own classes of tensors? */
static bool is_plain_class(const dg_pickle_value *value) {
  return value && value->kind == DG_PICKLE_GLOBAL &&
         (value->integer == DG_PYTORCH_CLASS || value->integer == DG_PYTORCH_PARAMETER_CLASS);
}

/**
 * The arguments (storage, offset, sizes, strides, …) of a dense tensor, and by which name it is
 * made; NULL: it is none. _rebuild_parameter(tensor, …) and _rebuild_from_type_v2(name, class,
 * arguments, attributes) are made of a tensor.
 */
static const dg_pickle_value *dense(const dg_pytorch_file *file, const dg_pickle_value *value,
                                    int64_t *made) {
  const dg_pickle_value *arguments = NULL;
  int64_t by = callee_of(file, value);
  if (by == DG_PYTORCH_PARAMETER || by == DG_PYTORCH_PARAMETER_WITH_STATE) {
    value = argument(file, value, 0);
    by = callee_of(file, value);
  }
  if (by == DG_PYTORCH_FROM_TYPE) {
    const dg_pickle_value *name = argument(file, value, 0);
    by = name && name->kind == DG_PICKLE_GLOBAL ? name->integer : -1;
    arguments = is_plain_class(argument(file, value, 1)) ? argument(file, value, 2) : NULL;
  } else if (by >= 0) {
    arguments = dg_pickle_item(&file->pickle, value, 1);
  }
  *made = by;
  bool known =
      by == DG_PYTORCH_TENSOR_V1 || by == DG_PYTORCH_TENSOR_V2 || by == DG_PYTORCH_TENSOR_V3;
  return known ? arguments : NULL;
}

bool dg_pytorch_is_tensor(const dg_pytorch_file *file, const dg_pickle_value *value) {
  int64_t made;
  return dense(file, value, &made) != NULL;
}

/* ---- its arguments ------------------------------------------------------ */

static bool read_integer(const dg_pickle_value *value, int64_t *out) {
  if (!value || value->kind != DG_PICKLE_INTEGER || value->integer < 0) return false;
  *out = value->integer;
  return true;
}

static bool read_sizes(const dg_pytorch_file *file, const dg_pickle_value *tuple, uint32_t rank,
                       uint64_t *out) {
  if (!tuple || tuple->kind != DG_PICKLE_TUPLE || tuple->count != rank) return false;
  for (uint32_t i = 0; i < rank; i++) {
    int64_t size;
    if (!read_integer(dg_pickle_item(&file->pickle, tuple, i), &size)) return false;
    out[i] = (uint64_t)size;
  }
  return true;
}

/** ("storage", type, key, device, numbers); before PyTorch 1.6 also what it is a view of. */
static bool read_storage(const dg_pytorch_file *file, const dg_pickle_value *persistent,
                         tensor *t) {
  if (!persistent || persistent->kind != DG_PICKLE_PERSISTENT) return false;
  const dg_pickle_value *tuple = dg_pickle_item(&file->pickle, persistent, 0),
                        *view = dg_pickle_item(&file->pickle, tuple, 5);
  t->type = dg_storage_type_of(dg_pickle_item(&file->pickle, tuple, 1));
  t->key = dg_pickle_item(&file->pickle, tuple, 2);
  return dg_pickle_is(dg_pickle_item(&file->pickle, tuple, 0), "storage") && t->type && t->key &&
         t->key->kind == DG_PICKLE_TEXT && (!view || view->kind == DG_PICKLE_NONE) &&
         read_integer(dg_pickle_item(&file->pickle, tuple, 4), &t->numbers);
}

/** (storage, offset, sizes, strides, …). */
static bool read_tensor(const dg_pytorch_file *file, const dg_pickle_value *arguments, tensor *t) {
  const dg_pickle_value *sizes = dg_pickle_item(&file->pickle, arguments, 2);
  if (!sizes || sizes->kind != DG_PICKLE_TUPLE || sizes->count > DG_TENSOR_RANK) return false;
  t->rank = sizes->count;
  return read_storage(file, dg_pickle_item(&file->pickle, arguments, 0), t) &&
         read_integer(dg_pickle_item(&file->pickle, arguments, 1), &t->offset) &&
         read_sizes(file, sizes, t->rank, t->dim) &&
         read_sizes(file, dg_pickle_item(&file->pickle, arguments, 3), t->rank, t->stride);
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

/* ---- adding it ---------------------------------------------------------- */

/** Finds the bytes of the tensor's storage. */
static bool load(dg_pytorch_file *file, const char *name, const tensor *t,
                 const unsigned char **bytes) {
  size_t size;
  bool found;
  if (!dg_storages_read(&file->storages, t->key->text, t->key->length, bytes, &size, &found,
                        file->err))
    return false;
  if (!found) return refuse(file, name, "has no numbers in the file");
  return (uint64_t)t->numbers <= size / t->type->size ||
         refuse(file, name, "has fewer numbers in the file than its pickle says");
}

static bool add_read(dg_pytorch_file *file, const char *name, const tensor *t) {
  const unsigned char *bytes;
  if (!inside(t)) return refuse(file, name, "reaches beyond its storage");
  dg_array *array = dg_arrays_add(file->arrays, name, t->rank, t->dim,
                                  dg_element_is_integer(t->type->element), file->err);
  if (!array || !load(file, name, t, &bytes)) return false;
  for (uint64_t i = 0; i < array->count; i++) {
    const unsigned char *from = bytes + storage_index(t, i) * t->type->size;
    array->data[i] = file->big_endian ? dg_element_read_big(t->type->element, from)
                                      : dg_element_read(t->type->element, from);
  }
  return true;
}

/** Is a tensor only a view whose numbers are negated or conjugated when they are used? */
static bool is_negated(const dg_pytorch_file *file, const dg_pickle_value *arguments,
                       int64_t made) {
  const dg_pickle_value *how =
      dg_pickle_item(&file->pickle, arguments, made == DG_PYTORCH_TENSOR_V3 ? 7 : 6);
  return how && how->kind != DG_PICKLE_NONE && (how->kind != DG_PICKLE_DICT || how->count > 0);
}

/** An object that is no dense tensor: the name of what would make it. */
static bool add_other(dg_pytorch_file *file, const char *name, const dg_pickle_value *value) {
  char what[100], why[200];
  const dg_pickle_value *callee = dg_pickle_item(&file->pickle, value, 0);
  for (int i = 0; i < 4 && callee && callee->kind == DG_PICKLE_CALL; i++)
    callee = dg_pickle_item(&file->pickle, callee, 0);
  dg_pickle_text(callee, what, sizeof what);
  snprintf(why, sizeof why,
           "is no dense tensor but made by %s, and nothing was run: save it as one",
           *what ? what : "a call");
  return dg_arrays_add_unread(file->arrays, name, 0, NULL, why, file->err);
}

bool dg_pytorch_add(dg_pytorch_file *file, const char *name, const dg_pickle_value *value) {
  char what[100], why[200];
  int64_t made;
  tensor t;
  const dg_pickle_value *arguments = dense(file, value, &made);
  if (!arguments) return add_other(file, name, value);
  if (!read_tensor(file, arguments, &t))
    return dg_arrays_add_unread(file->arrays, name, 0, NULL,
                                "is not of a form that is read: save it as a dense float tensor",
                                file->err);
  if (is_negated(file, arguments, made))
    return dg_arrays_add_unread(file->arrays, name, t.rank, t.dim,
                                "is stored negated or conjugated: save its clone()", file->err);
  if (t.type->read && made != DG_PYTORCH_TENSOR_V3) return add_read(file, name, &t);
  dg_pickle_text(made == DG_PYTORCH_TENSOR_V3 ? dg_pickle_item(&file->pickle, arguments, 6) : NULL,
                 what, sizeof what);
  snprintf(why, sizeof why, "has the type %s, which is not read: save it as float32",
           *what ? what : t.type->type);
  return dg_arrays_add_unread(file->arrays, name, t.rank, t.dim, why, file->err);
}
