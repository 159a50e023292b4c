#include "core/exchange/numpy/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

static const char magic[] = "\x93NUMPY";
enum { MAGIC = 6, PREAMBLE = 10, UNIT = 64, MAX_HEADER = 4096 };

/** The content of a header. */
typedef struct {
  char type[24]; /**< "<f4"; "": one of several parts */
  bool fortran, has_type, has_order, has_shape;
  uint32_t rank;
  uint64_t dim[DG_TENSOR_RANK];
} header;

/* ---- reading ------------------------------------------------------------ */

static const char *skip_blanks(const char *at) {
  return at + strspn(at, " \n\t");
}

/** Steps over a character and the blanks around it. */
static bool take(const char **at, char wanted) {
  const char *here = skip_blanks(*at);
  if (*here != wanted) return false;
  *at = skip_blanks(here + 1);
  return true;
}

/** A text in single or double quotes, without escapes. */
static bool take_text(const char **at, char *text, size_t capacity) {
  char quote = **at;
  if (quote != '\'' && quote != '"') return false;
  const char *end = strchr(*at + 1, quote);
  size_t length = end ? (size_t)(end - *at - 1) : capacity;
  if (length >= capacity) return false;
  memcpy(text, *at + 1, length);
  text[length] = '\0';
  *at = end + 1;
  return true;
}

static bool take_bool(const char **at, bool *value) {
  *value = strncmp(*at, "True", 4) == 0;
  if (!*value && strncmp(*at, "False", 5) != 0) return false;
  *at += *value ? 4 : 5;
  return true;
}

static bool take_size(const char **at, uint64_t *size) {
  const char *digit = *at;
  for (*size = 0; *digit >= '0' && *digit <= '9'; digit++) {
    if (*size > UINT64_MAX / 16) return false;
    *size = *size * 10 + (uint64_t)(*digit - '0');
  }
  bool ok = digit > *at;
  *at = digit + (*digit == 'L'); /* a long of Python 2 */
  return ok;
}

/** Steps over a list of any depth, with texts in it. */
static bool skip_list(const char **at) {
  int depth = 0;
  for (const char *here = *at; *here; here++) {
    depth += (*here == '[') - (*here == ']');
    if (*here == '\'' || *here == '"') here = strchr(here + 1, *here);
    if (!here) return false;
    if (depth == 0) return *at = here + 1, true;
  }
  return false;
}

/** A type; one of several parts is a list. */
static bool take_type(const char **at, header *h) {
  h->type[0] = '\0';
  return **at == '[' ? skip_list(at) : take_text(at, h->type, sizeof h->type);
}

/** `(16, 1, 3, 3)`, `(10,)`, `()`. */
static bool take_shape(const char **at, header *h) {
  if (!take(at, '(')) return false;
  h->rank = 0;
  while (!take(at, ')')) {
    if (h->rank == DG_TENSOR_RANK || !take_size(at, &h->dim[h->rank])) return false;
    h->rank++;
    if (!take(at, ',') && *skip_blanks(*at) != ')') return false;
  }
  return true;
}

static bool take_entry(const char **at, header *h) {
  char key[24];
  if (!take_text(at, key, sizeof key) || !take(at, ':')) return false;
  if (strcmp(key, "descr") == 0) return h->has_type = take_type(at, h);
  if (strcmp(key, "fortran_order") == 0) return h->has_order = take_bool(at, &h->fortran);
  if (strcmp(key, "shape") == 0) return h->has_shape = take_shape(at, h);
  return false;
}

/** The dictionary of a header, NUL-terminated. */
static bool parse(const char *text, header *h) {
  if (!take(&text, '{')) return false;
  while (!take(&text, '}'))
    if (!take_entry(&text, h) || (!take(&text, ',') && *skip_blanks(text) != '}')) return false;
  return h->has_type && h->has_order && h->has_shape && *skip_blanks(text) == '\0';
}

/** The element of a type such as "<f4", and its byte order; false: it is not read. */
static bool find_element(const char *type, dg_element *element, bool *big_endian) {
  static const struct {
    const char *type;
    dg_element element;
  } known[] = {{"f4", DG_ELEMENT_F32}, {"f8", DG_ELEMENT_F64}, {"f2", DG_ELEMENT_F16},
               {"i1", DG_ELEMENT_I8},  {"i2", DG_ELEMENT_I16}, {"i4", DG_ELEMENT_I32},
               {"i8", DG_ELEMENT_I64}, {"u1", DG_ELEMENT_U8},  {"b1", DG_ELEMENT_U8},
               {"u2", DG_ELEMENT_U16}, {"u4", DG_ELEMENT_U32}, {"u8", DG_ELEMENT_U64}};
  *big_endian = *type == '>';
  if (!*type || !strchr("<>|=", *type)) return false;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(known[i].type, type + 1) != 0) continue;
    *element = known[i].element;
    return true;
  }
  return false;
}

/** Finds the header and the numbers after it. */
static bool split(const unsigned char *bytes, size_t size, char *text, size_t *begin) {
  if (size < PREAMBLE || memcmp(bytes, magic, MAGIC) != 0) return false;
  unsigned version = bytes[MAGIC];
  size_t ahead = version == 1 ? PREAMBLE : PREAMBLE + 2, length = bytes[8] | (size_t)bytes[9] << 8;
  if (version < 1 || version > 3 || size < ahead) return false;
  if (version > 1) length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
  if (length >= MAX_HEADER || length > size - ahead || memchr(bytes + ahead, '\0', length))
    return false;
  memcpy(text, bytes + ahead, length);
  text[length] = '\0';
  *begin = ahead + length;
  return true;
}

/** Count of numbers of a shape; UINT64_MAX: more than `most`. */
static uint64_t count_of(const header *h, uint64_t most) {
  uint64_t count = 1;
  for (uint32_t d = 0; d < h->rank; d++)
    if (h->dim[d] == 0) return 0;
  for (uint32_t d = 0; d < h->rank; d++) {
    if (h->dim[d] > most / count) return UINT64_MAX;
    count *= h->dim[d];
  }
  return count;
}

/** The index of number `i` (row-major) in Fortran order. */
static uint64_t fortran_index(const header *h, uint64_t i) {
  uint64_t at = 0, stride = 1, index[DG_TENSOR_RANK];
  for (uint32_t d = h->rank; d-- > 0; i /= h->dim[d]) index[d] = i % h->dim[d];
  for (uint32_t d = 0; d < h->rank; stride *= h->dim[d++]) at += index[d] * stride;
  return at;
}

/** Adds an array whose type is not read, and which. */
static bool add_unread(dg_arrays *arrays, const char *name, const header *h, dg_error *err) {
  char why[100];
  const char *type = *h->type ? h->type : "of a record", *text = strpbrk(h->type, "USO");
  snprintf(why, sizeof why, "has the type %s, which is %s: save it as float32", type,
           text ? "no number" : "not read");
  return dg_arrays_add_unread(arrays, name, h->rank, h->dim, why, err);
}

bool dg_npy_read(dg_arrays *arrays, const char *name, const unsigned char *bytes, size_t size,
                 dg_error *err) {
  char text[MAX_HEADER];
  size_t begin;
  header h = {0};
  dg_element element;
  bool big_endian;
  if (!split(bytes, size, text, &begin) || !parse(text, &h))
    return dg_fail(err, DG_ERR_INPUT, "%s: \"%.100s\" is no sound .npy array", arrays->path, name);
  if (!find_element(h.type, &element, &big_endian)) return add_unread(arrays, name, &h, err);
  size_t unit = dg_element_size(element), left = size - begin;
  uint64_t count = count_of(&h, left);
  if (count > left || count * unit != left)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: the %zu bytes of \"%.100s\" are not what its shape takes", arrays->path,
                   left, name);
  dg_array *array = dg_arrays_add(arrays, name, h.rank, h.dim, dg_element_is_integer(element), err);
  if (!array) return false;
  for (uint64_t i = 0; i < array->count; i++) {
    const unsigned char *from = bytes + begin + unit * (h.fortran ? fortran_index(&h, i) : i);
    array->data[i] =
        big_endian ? dg_element_read_big(element, from) : dg_element_read(element, from);
  }
  return true;
}

/* ---- writing ------------------------------------------------------------ */

unsigned char *dg_npy_make(const dg_array *array, size_t *size, dg_error *err) {
  char text[MAX_HEADER] = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (uint32_t i = 0; i < array->rank; i++)
    dg_append(text, sizeof text, "%llu,%s", (unsigned long long)array->dim[i],
              i + 1 < array->rank ? " " : "");
  dg_append(text, sizeof text, "), }");
  size_t used = strlen(text), begin = (PREAMBLE + used + UNIT) / UNIT * UNIT;
  size_t length = begin - PREAMBLE, numbers = array->count * sizeof(float);
  *size = begin + numbers;
  unsigned char *bytes = malloc(*size);
  if (!bytes) return dg_fail_memory(err, *size), NULL;
  memcpy(bytes, magic, MAGIC);
  bytes[MAGIC] = 1;
  bytes[MAGIC + 1] = 0;
  bytes[8] = (unsigned char)(length & 0xff);
  bytes[9] = (unsigned char)(length >> 8);
  memset(bytes + PREAMBLE, ' ', length);
  memcpy(bytes + PREAMBLE, text, used);
  bytes[begin - 1] = '\n';
  memcpy(bytes + begin, array->data, numbers);
  return bytes;
}
