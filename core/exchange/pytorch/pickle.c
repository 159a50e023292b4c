#include "core/exchange/pytorch/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "core/exchange/pytorch/pickle_calls.h"
#include "core/exchange/pytorch/pickle_machine.h"
#include "core/exchange/pytorch/pickle_opcodes.h"

enum { NEWEST_PROTOCOL = 5 };

/* ---- bytes -------------------------------------------------------------- */

static bool push_number(dg_machine *m, size_t size, bool is_signed) {
  int64_t value;
  return dg_machine_number(m, size, is_signed, &value) &&
         dg_machine_push(m, (dg_pickle_value){.kind = DG_PICKLE_INTEGER, .integer = value});
}

/** A number whose length is given by the `size` bytes before it. */
static bool push_long(dg_machine *m, size_t size) {
  int64_t length;
  if (!dg_machine_number(m, size, false, &length)) return false;
  if (length <= 8) return push_number(m, (size_t)length, true);
  if (!dg_machine_has(m, (uint64_t)length)) return false;
  m->at += (size_t)length;
  return dg_machine_push(m, (dg_pickle_value){.kind = DG_PICKLE_OTHER});
}

/** A text whose length is given by the `size` bytes before it. */
static bool push_text(dg_machine *m, size_t size) {
  int64_t length;
  if (!dg_machine_number(m, size, false, &length) || !dg_machine_has(m, (uint64_t)length))
    return false;
  const char *text = m->bytes + m->at;
  m->at += (size_t)length;
  return dg_machine_push(
      m, (dg_pickle_value){.kind = DG_PICKLE_TEXT, .text = text, .length = (size_t)length});
}

/* ---- the memo ----------------------------------------------------------- */

static bool remember(dg_machine *m, int64_t index) {
  dg_pickle_kind kind;
  if (!dg_machine_top(m, &kind))
    return dg_machine_refuse(m, "is damaged: it remembers a value where there is none");
  if (index < 0 || (uint64_t)index >= m->size)
    return dg_machine_refuse(m, "is damaged: place %lld of its memo is out of range",
                             (long long)index);
  m->memo[index] = m->stack[m->depth - 1];
  m->memoized++;
  return true;
}

static bool put(dg_machine *m, unsigned char opcode) {
  int64_t index = m->memoized;
  size_t size = opcode == OP_BINPUT ? 1 : 4;
  return (opcode == OP_MEMOIZE || dg_machine_number(m, size, false, &index)) && remember(m, index);
}

static bool get(dg_machine *m, unsigned char opcode) {
  int64_t index;
  if (!dg_machine_number(m, opcode == OP_BINGET ? 1 : 4, false, &index)) return false;
  if ((uint64_t)index >= m->size || m->memo[index] == DG_NOTHING)
    return dg_machine_refuse(m, "is damaged: nothing was remembered at place %lld",
                             (long long)index);
  m->stack[m->depth++] = m->memo[index];
  return true;
}

/* ---- numbers, texts, collections ----------------------------------------- */

/** Opcodes that only change the stack. */
static bool shuffle(dg_machine *m, unsigned char opcode) {
  uint32_t from;
  switch (opcode) {
  case OP_MARK:
    m->stack[m->depth++] = DG_MARK;
    return true;
  case OP_POP:
    if (m->depth == 0)
      return dg_machine_refuse(m, "is damaged: it takes a value where there is none");
    m->depth--;
    return true;
  case OP_POP_MARK:
    from = dg_machine_behind_mark(m);
    if (from == DG_NOTHING) return false;
    m->depth = from - 1;
    return true;
  default: /* OP_DUP */
    from = dg_machine_pop(m);
    if (from == DG_NOTHING) return false;
    m->depth++;
    m->stack[m->depth++] = from;
    return true;
  }
}

/** Makes a dictionary of the keys and values after a mark. */
static bool make_dict(dg_machine *m) {
  uint32_t from = dg_machine_behind_mark(m);
  if (from == DG_NOTHING) return false;
  return (m->depth - from) % 2 == 0 ? dg_machine_gather(m, DG_PICKLE_DICT, from, true)
                                    : dg_machine_refuse(m, "is damaged: a key without a value");
}

static bool read_collection(dg_machine *m, unsigned char opcode) {
  switch (opcode) {
  case OP_EMPTY_TUPLE:
    return dg_machine_push(m, (dg_pickle_value){.kind = DG_PICKLE_TUPLE});
  case OP_EMPTY_LIST:
    return dg_machine_push(m, (dg_pickle_value){.kind = DG_PICKLE_LIST});
  case OP_EMPTY_DICT:
    return dg_machine_push(m, (dg_pickle_value){.kind = DG_PICKLE_DICT});
  case OP_TUPLE:
    return dg_machine_gather(m, DG_PICKLE_TUPLE, dg_machine_behind_mark(m), true);
  case OP_TUPLE1:
  case OP_TUPLE2:
  case OP_TUPLE3:
    return dg_machine_tuple(m, 1u + opcode - OP_TUPLE1);
  case OP_EMPTY_SET:
    return dg_machine_push(m, (dg_pickle_value){.kind = DG_PICKLE_SET});
  case OP_FROZENSET:
    return dg_machine_gather(m, DG_PICKLE_SET, dg_machine_behind_mark(m), true);
  case OP_ADDITEMS:
    return dg_machine_extend(m, DG_PICKLE_SET, dg_machine_behind_mark(m), true);
  case OP_LIST:
    return dg_machine_gather(m, DG_PICKLE_LIST, dg_machine_behind_mark(m), true);
  case OP_DICT:
    return make_dict(m);
  case OP_APPEND:
    return dg_machine_extend(m, DG_PICKLE_LIST, m->depth ? m->depth - 1 : 0, false);
  case OP_APPENDS:
    return dg_machine_extend(m, DG_PICKLE_LIST, dg_machine_behind_mark(m), true);
  case OP_SETITEM:
    return dg_machine_extend(m, DG_PICKLE_DICT, m->depth > 1 ? m->depth - 2 : 0, false);
  default: /* OP_SETITEMS */
    return dg_machine_extend(m, DG_PICKLE_DICT, dg_machine_behind_mark(m), true);
  }
}

/** Skips eight bytes: a length or a number whose value is not used. */
static bool skip(dg_machine *m, unsigned char opcode) {
  int64_t ignored;
  return dg_machine_number(m, 8, false, &ignored) &&
         (opcode == OP_FRAME || dg_machine_push(m, (dg_pickle_value){.kind = DG_PICKLE_OTHER}));
}

static bool read_proto(dg_machine *m, unsigned char opcode) {
  (void)opcode;
  int64_t protocol;
  if (!dg_machine_number(m, 1, false, &protocol)) return false;
  return (protocol >= 2 && protocol <= NEWEST_PROTOCOL) ||
         dg_machine_refuse(m, "is of protocol %lld; 2 to %d are read", (long long)protocol,
                           NEWEST_PROTOCOL);
}

static bool read_scalar(dg_machine *m, unsigned char opcode) {
  switch (opcode) {
  case OP_NONE:
    return dg_machine_push(m, (dg_pickle_value){.kind = DG_PICKLE_NONE});
  case OP_NEWTRUE:
  case OP_NEWFALSE:
    return dg_machine_push(
        m, (dg_pickle_value){.kind = DG_PICKLE_BOOL, .integer = opcode == OP_NEWTRUE});
  case OP_BININT:
    return push_number(m, 4, true);
  case OP_BININT1:
    return push_number(m, 1, false);
  case OP_BININT2:
    return push_number(m, 2, false);
  case OP_LONG1:
    return push_long(m, 1);
  case OP_LONG4:
    return push_long(m, 4);
  case OP_SHORT_BINUNICODE:
  case OP_SHORT_BINSTRING:
  case OP_SHORT_BINBYTES:
    return push_text(m, 1);
  case OP_BINUNICODE8:
  case OP_BINBYTES8:
  case OP_BYTEARRAY8:
    return push_text(m, 8);
  default: /* OP_BINUNICODE, OP_BINSTRING, OP_BINBYTES */
    return push_text(m, 4);
  }
}

/* ---- running over the opcodes ------------------------------------------- */

typedef bool (*handler)(dg_machine *m, unsigned char opcode);

/** NULL: unsupported opcode. */
static const handler handlers[256] = {
    [OP_MARK] = shuffle,
    [OP_POP] = shuffle,
    [OP_POP_MARK] = shuffle,
    [OP_DUP] = shuffle,
    [OP_NONE] = read_scalar,
    [OP_NEWTRUE] = read_scalar,
    [OP_NEWFALSE] = read_scalar,
    [OP_BININT] = read_scalar,
    [OP_BININT1] = read_scalar,
    [OP_BININT2] = read_scalar,
    [OP_LONG1] = read_scalar,
    [OP_LONG4] = read_scalar,
    [OP_SHORT_BINUNICODE] = read_scalar,
    [OP_BINUNICODE] = read_scalar,
    [OP_BINUNICODE8] = read_scalar,
    [OP_SHORT_BINSTRING] = read_scalar,
    [OP_BINSTRING] = read_scalar,
    [OP_SHORT_BINBYTES] = read_scalar,
    [OP_BINBYTES] = read_scalar,
    [OP_BINBYTES8] = read_scalar,
    [OP_BYTEARRAY8] = read_scalar,
    [OP_BINFLOAT] = skip,
    [OP_FRAME] = skip,
    [OP_EMPTY_TUPLE] = read_collection,
    [OP_TUPLE] = read_collection,
    [OP_TUPLE1] = read_collection,
    [OP_TUPLE2] = read_collection,
    [OP_TUPLE3] = read_collection,
    [OP_EMPTY_LIST] = read_collection,
    [OP_EMPTY_SET] = read_collection,
    [OP_FROZENSET] = read_collection,
    [OP_ADDITEMS] = read_collection,
    [OP_LIST] = read_collection,
    [OP_APPEND] = read_collection,
    [OP_APPENDS] = read_collection,
    [OP_EMPTY_DICT] = read_collection,
    [OP_DICT] = read_collection,
    [OP_SETITEM] = read_collection,
    [OP_SETITEMS] = read_collection,
    [OP_BINPUT] = put,
    [OP_LONG_BINPUT] = put,
    [OP_MEMOIZE] = put,
    [OP_BINGET] = get,
    [OP_LONG_BINGET] = get,
    [OP_PROTO] = read_proto,
    [OP_GLOBAL] = dg_machine_global,
    [OP_STACK_GLOBAL] = dg_machine_stack_global,
    [OP_REDUCE] = dg_machine_call,
    [OP_NEWOBJ] = dg_machine_call,
    [OP_NEWOBJ_EX] = dg_machine_call,
    [OP_BUILD] = dg_machine_build,
    [OP_BINPERSID] = dg_machine_persistent,
};

static bool run(dg_machine *m) {
  while (dg_machine_has(m, 1)) {
    unsigned char opcode = (unsigned char)m->bytes[m->at++];
    if (opcode == OP_STOP) {
      m->out->root = dg_machine_pop(m);
      m->out->used = m->at;
      return m->out->root != DG_NOTHING;
    }
    if (!handlers[opcode])
      return dg_machine_refuse(
          m, "has the opcode 0x%02x, which no state dict needs; nothing was run", opcode);
    if (!handlers[opcode](m, opcode)) return false;
  }
  return false;
}

bool dg_pickle_read(dg_pickle *pickle, const char *path, const char *bytes, size_t size,
                    const char *const *names, dg_error *err) {
  dg_machine m = {
      .out = pickle, .path = path, .bytes = bytes, .size = size, .names = names, .err = err};
  *pickle = (dg_pickle){0};
  if (size > DG_PICKLE_LARGEST)
    return dg_fail(err, DG_ERR_INPUT, "%s: its pickle has %zu bytes; %d is the most", path, size,
                   DG_PICKLE_LARGEST);
  m.stack = malloc(2 * (size + 1) * sizeof *m.stack);
  if (!m.stack) return dg_fail_memory(err, 2 * (size + 1) * sizeof *m.stack);
  m.memo = m.stack + size + 1;
  memset(m.memo, 0xff, size * sizeof *m.memo);
  bool ok = run(&m);
  free(m.stack);
  if (!ok) dg_pickle_free(pickle);
  return ok;
}

void dg_pickle_free(dg_pickle *pickle) {
  free(pickle->values);
  free(pickle->cells);
  *pickle = (dg_pickle){0};
}

const dg_pickle_value *dg_pickle_item(const dg_pickle *pickle, const dg_pickle_value *of,
                                      uint32_t i) {
  if (of->kind < DG_PICKLE_TUPLE || of->kind == DG_PICKLE_GLOBAL || i >= of->count) return NULL;
  uint32_t cell = of->first;
  while (i-- > 0) cell = pickle->cells[cell].next;
  return &pickle->values[pickle->cells[cell].value];
}

bool dg_pickle_is(const dg_pickle_value *value, const char *text) {
  return value && value->kind == DG_PICKLE_TEXT && value->length == strlen(text) &&
         memcmp(value->text, text, value->length) == 0;
}

char *dg_pickle_text(const dg_pickle_value *value, char *out, size_t capacity) {
  bool has = value && (value->kind == DG_PICKLE_TEXT || value->kind == DG_PICKLE_UNKNOWN);
  size_t used = 0;
  for (; has && used < value->length && used + 1 < capacity; used++) {
    char c = value->text[used];
    bool parts = value->kind == DG_PICKLE_UNKNOWN && c == '\n';
    out[used] = c > ' ' && c < 0x7f ? c : parts ? '.' : '?';
  }
  out[used] = '\0';
  return out;
}
