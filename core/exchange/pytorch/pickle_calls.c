#include "core/exchange/pytorch/pickle_calls.h"

#include <string.h>

#include "core/exchange/pytorch/pickle_opcodes.h"

/* Calls of these are new dictionaries; what a defaultdict would call does not matter. */
static const char ordered_dict[] = "collections OrderedDict",
                  default_dict[] = "collections defaultdict";

/** The index of a name in the list; -1: it is not there. */
static int64_t find_name(const dg_machine *m, const char *module, size_t module_length,
                         const char *name, size_t name_length) {
  for (int64_t i = 0; m->names[i]; i++) {
    const char *known = m->names[i];
    if (strlen(known) == module_length + 1 + name_length &&
        memcmp(known, module, module_length) == 0 && known[module_length] == ' ' &&
        memcmp(known + module_length + 1, name, name_length) == 0)
      return i;
  }
  return -1;
}

static bool push_unknown(dg_machine *m, const char *text, size_t length) {
  return dg_machine_push(
      m, (dg_pickle_value){.kind = DG_PICKLE_UNKNOWN, .text = text, .length = length});
}

static bool push_known(dg_machine *m, int64_t index) {
  return dg_machine_push(m, (dg_pickle_value){.kind = DG_PICKLE_GLOBAL, .integer = index});
}

bool dg_machine_global(dg_machine *m, unsigned char opcode) {
  (void)opcode;
  const char *module, *name;
  size_t module_length, name_length;
  if (!dg_machine_line(m, &module, &module_length) || !dg_machine_line(m, &name, &name_length))
    return false;
  int64_t known = find_name(m, module, module_length, name, name_length);
  return known >= 0 ? push_known(m, known)
                    : push_unknown(m, module, module_length + 1 + name_length);
}

bool dg_machine_stack_global(dg_machine *m, unsigned char opcode) {
  (void)opcode;
  uint32_t name = dg_machine_pop(m), module = name == DG_NOTHING ? DG_NOTHING : dg_machine_pop(m);
  if (module == DG_NOTHING) return false;
  const dg_pickle_value *n = &m->out->values[name], *o = &m->out->values[module];
  if (n->kind != DG_PICKLE_TEXT || o->kind != DG_PICKLE_TEXT)
    return dg_machine_refuse(m, "names something by what is no text");
  int64_t known = find_name(m, o->text, o->length, n->text, n->length);
  return known >= 0 ? push_known(m, known) : push_unknown(m, n->text, n->length);
}

/** Is it a new, empty dictionary that would be made? */
static bool makes_dict(const dg_machine *m, const dg_pickle_value *callee,
                       const dg_pickle_value *arguments) {
  if (callee->kind != DG_PICKLE_GLOBAL) return false;
  const char *name = m->names[callee->integer];
  return (strcmp(name, ordered_dict) == 0 && arguments->count == 0) ||
         (strcmp(name, default_dict) == 0 && arguments->count <= 1);
}

/** The only argument of a call; NULL: there are others. */
static const dg_pickle_value *only_argument(const dg_machine *m, const dg_pickle_value *arguments) {
  return arguments->count == 1 ? &m->out->values[m->out->cells[arguments->first].value] : NULL;
}

/** Is it an OrderedDict of a list of pairs, as Python 2 writes it? */
static bool lists_pairs(const dg_machine *m, const dg_pickle_value *callee,
                        const dg_pickle_value *arguments) {
  const dg_pickle_value *list = only_argument(m, arguments);
  return callee->kind == DG_PICKLE_GLOBAL && strcmp(m->names[callee->integer], ordered_dict) == 0 &&
         list && list->kind == DG_PICKLE_LIST;
}

/** Makes a dictionary of the pairs of a list. All lists together can't be longer than the pickle,
    unless one is used over and over. */
static bool make_dict_of_pairs(dg_machine *m, const dg_pickle_value *arguments) {
  const dg_pickle_value *list = only_argument(m, arguments);
  uint32_t left = list->count, cell = list->first, dict = m->out->value_count;
  m->paired += left;
  if (m->paired > m->size)
    return dg_machine_refuse(m, "makes dictionaries of one list over and over");
  if (!dg_machine_push(m, (dg_pickle_value){.kind = DG_PICKLE_DICT})) return false;
  for (; left > 0; left--, cell = m->out->cells[cell].next) {
    const dg_pickle_value *pair = &m->out->values[m->out->cells[cell].value];
    if ((pair->kind != DG_PICKLE_LIST && pair->kind != DG_PICKLE_TUPLE) || pair->count != 2)
      return dg_machine_refuse(m, "makes an OrderedDict of what are no pairs");
    uint32_t first = pair->first;
    uint32_t key = m->out->cells[first].value,
             value = m->out->cells[m->out->cells[first].next].value;
    if (!dg_machine_append(m, dict, key) || !dg_machine_append(m, dict, value)) return false;
  }
  return true;
}

/** Notes a call: REDUCE, NEWOBJ, or NEWOBJ_EX with its arguments by name. */
bool dg_machine_call(dg_machine *m, unsigned char opcode) {
  if (opcode == OP_NEWOBJ_EX && dg_machine_pop(m) == DG_NOTHING) return false;
  uint32_t arguments = dg_machine_pop(m),
           callee = arguments == DG_NOTHING ? DG_NOTHING : dg_machine_pop(m);
  if (callee == DG_NOTHING) return false;
  const dg_pickle_value *what = &m->out->values[callee], *given = &m->out->values[arguments];
  if ((what->kind != DG_PICKLE_GLOBAL && what->kind != DG_PICKLE_UNKNOWN &&
       what->kind != DG_PICKLE_CALL) ||
      given->kind != DG_PICKLE_TUPLE)
    return dg_machine_refuse(m, "calls what is no name; nothing was run");
  if (makes_dict(m, what, given))
    return dg_machine_push(m, (dg_pickle_value){.kind = DG_PICKLE_DICT});
  if (lists_pairs(m, what, given)) return make_dict_of_pairs(m, given);
  return dg_machine_push(m, (dg_pickle_value){.kind = DG_PICKLE_CALL}) &&
         dg_machine_append(m, m->stack[m->depth - 1], callee) &&
         dg_machine_append(m, m->stack[m->depth - 1], arguments);
}

/** Skips attributes, such as `_metadata` of state dicts. */
bool dg_machine_build(dg_machine *m, unsigned char opcode) {
  (void)opcode;
  uint32_t attributes = dg_machine_pop(m);
  if (attributes == DG_NOTHING) return false;
  dg_pickle_kind kind;
  return (dg_machine_top(m, &kind) && (kind == DG_PICKLE_DICT || kind == DG_PICKLE_CALL)) ||
         dg_machine_refuse(m, "sets attributes of what has none; nothing was run");
}

bool dg_machine_persistent(dg_machine *m, unsigned char opcode) {
  (void)opcode;
  uint32_t by = dg_machine_pop(m);
  return by != DG_NOTHING && dg_machine_push(m, (dg_pickle_value){.kind = DG_PICKLE_PERSISTENT}) &&
         dg_machine_append(m, m->stack[m->depth - 1], by);
}
