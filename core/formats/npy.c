#include "core/formats/npy.h"

#include <string.h>

const char dg_npy_magic[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};
enum { MAGIC = sizeof dg_npy_magic, PREAMBLE = 10, MAX_HEADER = 4096 };

/** Entries of the dictionary. */
enum { TYPE = 1, ORDER = 2, SHAPE = 4 };

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
static bool take_type(const char **at, dg_npy *h) {
  h->type[0] = '\0';
  return **at == '[' ? skip_list(at) : take_text(at, h->type, sizeof h->type);
}

/** `(16, 1, 3, 3)`, `(10,)`, `()`. */
static bool take_shape(const char **at, dg_npy *h) {
  if (!take(at, '(')) return false;
  h->rank = 0;
  while (!take(at, ')')) {
    if (h->rank == DG_NPY_RANK || !take_size(at, &h->dim[h->rank])) return false;
    h->rank++;
    if (!take(at, ',') && *skip_blanks(*at) != ')') return false;
  }
  return true;
}

/** An entry; its bit goes to `seen`. */
static bool take_entry(const char **at, dg_npy *h, unsigned *seen) {
  char key[24];
  if (!take_text(at, key, sizeof key) || !take(at, ':')) return false;
  if (strcmp(key, "descr") == 0) return *seen |= TYPE, take_type(at, h);
  if (strcmp(key, "fortran_order") == 0) return *seen |= ORDER, take_bool(at, &h->fortran);
  if (strcmp(key, "shape") == 0) return *seen |= SHAPE, take_shape(at, h);
  return false;
}

/** The dictionary of a header, NUL-terminated. */
static bool take_entries(const char *text, dg_npy *h) {
  unsigned seen = 0;
  if (!take(&text, '{')) return false;
  while (!take(&text, '}'))
    if (!take_entry(&text, h, &seen) || (!take(&text, ',') && *skip_blanks(text) != '}'))
      return false;
  return seen == (TYPE | ORDER | SHAPE) && *skip_blanks(text) == '\0';
}

/** Finds the element of a type such as "<f4", and its byte order. */
static void find_element(dg_npy *h) {
  static const struct {
    const char *type;
    dg_element element;
  } known[] = {{"f4", DG_ELEMENT_F32}, {"f8", DG_ELEMENT_F64}, {"f2", DG_ELEMENT_F16},
               {"i1", DG_ELEMENT_I8},  {"i2", DG_ELEMENT_I16}, {"i4", DG_ELEMENT_I32},
               {"i8", DG_ELEMENT_I64}, {"u1", DG_ELEMENT_U8},  {"b1", DG_ELEMENT_U8},
               {"u2", DG_ELEMENT_U16}, {"u4", DG_ELEMENT_U32}, {"u8", DG_ELEMENT_U64}};
  h->known = false;
  h->big_endian = *h->type == '>';
  if (!*h->type || !strchr("<>|=", *h->type)) return;
  h->truths = strcmp(h->type + 1, "b1") == 0;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp(known[i].type, h->type + 1) == 0) h->known = true, h->element = known[i].element;
}

/** Finds the header and the numbers after it. */
static bool split(const unsigned char *bytes, size_t size, char *text, size_t *begin) {
  if (size < PREAMBLE || memcmp(bytes, dg_npy_magic, MAGIC) != 0) return false;
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

bool dg_npy_parse(dg_npy *npy, const unsigned char *bytes, size_t size) {
  char text[MAX_HEADER];
  *npy = (dg_npy){0};
  if (!split(bytes, size, text, &npy->begin) || !take_entries(text, npy)) return false;
  find_element(npy);
  return true;
}

uint64_t dg_npy_count(const dg_npy *h, uint64_t most) {
  uint64_t count = 1;
  for (uint32_t d = 0; d < h->rank; d++)
    if (h->dim[d] == 0) return 0;
  for (uint32_t d = 0; d < h->rank; d++) {
    if (h->dim[d] > most / count) return UINT64_MAX;
    count *= h->dim[d];
  }
  return count;
}

uint64_t dg_npy_place(const dg_npy *h, uint64_t i) {
  if (!h->fortran) return i;
  uint64_t at = 0, stride = 1, index[DG_NPY_RANK];
  for (uint32_t d = h->rank; d-- > 0; i /= h->dim[d]) index[d] = i % h->dim[d];
  for (uint32_t d = 0; d < h->rank; stride *= h->dim[d++]) at += index[d] * stride;
  return at;
}
