#include "core/exchange/pytorch/pickle_machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool dg_machine_refuse(const dg_machine *m, const char *format, ...) {
  char text[500];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return dg_fail(m->err, DG_ERR_INPUT, "%s: its pickle %s (byte %zu)", m->path, text, m->at);
}

/* ---- values ------------------------------------------------------------- */

/** Makes a new value; DG_NOTHING: out of memory. */
static uint32_t make(dg_machine *m, dg_pickle_value value) {
  dg_pickle *p = m->out;
  if (p->value_count == p->value_capacity) {
    uint32_t capacity = p->value_capacity ? 2 * p->value_capacity : 256;
    dg_pickle_value *values = realloc(p->values, capacity * sizeof *values);
    if (!values) return dg_fail_memory(m->err, capacity * sizeof *values), DG_NOTHING;
    p->values = values;
    p->value_capacity = capacity;
  }
  p->values[p->value_count] = value;
  return p->value_count++;
}

bool dg_machine_append(dg_machine *m, uint32_t to, uint32_t value) {
  dg_pickle *p = m->out;
  if (p->cell_count == p->cell_capacity) {
    uint32_t capacity = p->cell_capacity ? 2 * p->cell_capacity : 256;
    dg_pickle_cell *cells = realloc(p->cells, capacity * sizeof *cells);
    if (!cells) return dg_fail_memory(m->err, capacity * sizeof *cells);
    p->cells = cells;
    p->cell_capacity = capacity;
  }
  uint32_t cell = p->cell_count++;
  p->cells[cell] = (dg_pickle_cell){value, DG_NOTHING};
  dg_pickle_value *v = &p->values[to];
  if (v->count++ == 0)
    v->first = cell;
  else
    p->cells[v->last].next = cell;
  v->last = cell;
  return true;
}

bool dg_machine_push(dg_machine *m, dg_pickle_value value) {
  uint32_t made = make(m, value);
  if (made == DG_NOTHING) return false;
  m->stack[m->depth++] = made;
  return true;
}

uint32_t dg_machine_pop(dg_machine *m) {
  if (m->depth > 0 && m->stack[m->depth - 1] != DG_MARK) return m->stack[--m->depth];
  dg_machine_refuse(m, "is damaged: it takes a value where there is none");
  return DG_NOTHING;
}

static dg_pickle_kind kind_of(const dg_machine *m, uint32_t value) {
  return m->out->values[value].kind;
}

bool dg_machine_top(const dg_machine *m, dg_pickle_kind *kind) {
  if (m->depth == 0 || m->stack[m->depth - 1] == DG_MARK) return false;
  *kind = kind_of(m, m->stack[m->depth - 1]);
  return true;
}

uint32_t dg_machine_behind_mark(const dg_machine *m) {
  uint32_t at = m->depth;
  while (at > 0 && m->stack[at - 1] != DG_MARK) at--;
  if (at > 0) return at;
  dg_machine_refuse(m, "is damaged: it looks for a mark where there is none");
  return DG_NOTHING;
}

bool dg_machine_gather(dg_machine *m, dg_pickle_kind kind, uint32_t from, bool marked) {
  if (from == DG_NOTHING) return false;
  uint32_t made = make(m, (dg_pickle_value){.kind = kind});
  if (made == DG_NOTHING) return false;
  for (uint32_t i = from; i < m->depth; i++) {
    if (m->stack[i] == DG_MARK) return dg_machine_refuse(m, "is damaged: a mark within a tuple");
    if (!dg_machine_append(m, made, m->stack[i])) return false;
  }
  m->depth = marked ? from - 1 : from;
  m->stack[m->depth++] = made;
  return true;
}

bool dg_machine_tuple(dg_machine *m, uint32_t count) {
  if (m->depth < count)
    return dg_machine_refuse(m, "is damaged: it takes a value where there is none");
  return dg_machine_gather(m, DG_PICKLE_TUPLE, m->depth - count, false);
}

bool dg_machine_extend(dg_machine *m, dg_pickle_kind kind, uint32_t from, bool marked) {
  if (from == DG_NOTHING) return false;
  uint32_t before = marked ? 2 : 1;
  bool held = from >= before && m->stack[from - before] != DG_MARK;
  dg_pickle_kind holder = held ? kind_of(m, m->stack[from - before]) : DG_PICKLE_NONE;
  if (holder != kind && holder != DG_PICKLE_CALL)
    return dg_machine_refuse(m, "adds items to what holds none");
  if (kind == DG_PICKLE_DICT && (m->depth - from) % 2)
    return dg_machine_refuse(m, "is damaged: a key without a value");
  uint32_t to = m->stack[from - before];
  for (uint32_t i = from; i < m->depth; i++) {
    if (m->stack[i] == DG_MARK) return dg_machine_refuse(m, "is damaged: a mark among items");
    if (holder == kind && !dg_machine_append(m, to, m->stack[i])) return false;
  }
  m->depth = from - (marked ? 1 : 0);
  return true;
}

/* ---- bytes -------------------------------------------------------------- */

bool dg_machine_has(const dg_machine *m, uint64_t count) {
  return count <= m->size - m->at || dg_machine_refuse(m, "is cut");
}

bool dg_machine_number(dg_machine *m, size_t size, bool is_signed, int64_t *out) {
  uint64_t bits = 0;
  if (!dg_machine_has(m, size)) return false;
  memcpy(&bits, m->bytes + m->at, size);
  m->at += size;
  unsigned unused = (unsigned)(64 - 8 * size);
  *out = (int64_t)bits;
  if (is_signed && size > 0) *out = (int64_t)(bits << unused) >> unused;
  return true;
}

bool dg_machine_line(dg_machine *m, const char **line, size_t *length) {
  const char *end = memchr(m->bytes + m->at, '\n', m->size - m->at);
  if (!end) return dg_machine_refuse(m, "is cut");
  *line = m->bytes + m->at;
  *length = (size_t)(end - *line);
  m->at += *length + 1;
  return true;
}
