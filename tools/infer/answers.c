#include "tools/infer/answers.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/numbers.h"
#include "core/formats/npy.h"

static void put(answers *a, const void *bytes, size_t size) {
  if (a->to_file)
    dg_file_write(&a->file, bytes, size);
  else
    fwrite(bytes, 1, size, stdout);
}

static void put_text(answers *a, const char *text) {
  put(a, text, strlen(text));
}

static void put_number(answers *a, const char *before, double number) {
  char text[64];
  const int length = snprintf(text, sizeof text, "%s%.9g", before, number);
  put(a, text, (size_t)length);
}

static void put_whole(answers *a, const char *before, uint64_t number) {
  char text[64];
  const int length = snprintf(text, sizeof text, "%s%llu", before, (unsigned long long)number);
  put(a, text, (size_t)length);
}

static const char *name_of(const answers *a, uint32_t label) {
  return label < a->form.names->count && *a->form.names->name[label] ? a->names[label] : NULL;
}

/* ---- names ---------------------------------------------------------------- */

/** A name as a field of CSV: in quotes, which are doubled within. */
static char *csv_text(const char *name) {
  char *text = malloc(2 * strlen(name) + 3), *at = text;
  if (!text) return NULL;
  *at++ = '"';
  for (; *name; name++) {
    if (*name == '"') *at++ = '"';
    *at++ = *name;
  }
  memcpy(at, "\"", 2);
  return text;
}

static char *json_text(const char *name) {
  json_t *string = json_string(name);
  char *text = string ? json_dumps(string, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
  json_decref(string);
  return text;
}

/** Writes the name of the sample's file behind `before`, if it has one. */
static void put_file(answers *a, const char *before) {
  const char *name = inputs_name(a->inputs, a->next);
  char *text = name ? (a->form.format == INFER_CSV ? csv_text : json_text)(name) : NULL;
  if (name) put_text(a, before), put_text(a, text ? text : "\"\"");
  free(text);
}

static bool write_names(answers *a, dg_error *err) {
  const dg_classes *names = a->form.names;
  a->names = calloc(names->count + 1, sizeof *a->names);
  for (uint32_t i = 0; a->names && i < names->count; i++) {
    a->names[i] = (a->form.format == INFER_CSV ? csv_text : json_text)(names->name[i]);
    if (!a->names[i]) return dg_fail_memory(err, DG_CLASS_SIZE);
  }
  return a->names || dg_fail_memory(err, names->count * sizeof *a->names);
}

static void free_names(answers *a) {
  for (uint32_t i = 0; a->names && i < a->form.names->count; i++) free(a->names[i]);
  free(a->names);
  a->names = NULL;
}

/* ---- .npy ----------------------------------------------------------------- */

enum { PREAMBLE = 10, UNIT = 64 };

static void put_npy_header(answers *a, uint64_t count) {
  const char order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>';
  const bool classes = a->form.output == INFER_CLASSES;
  char text[4 * UNIT], shape[40] = "";
  if (!classes) snprintf(shape, sizeof shape, " %u", a->form.outputs);
  int used =
      snprintf(text, sizeof text, "{'descr': '%c%s', 'fortran_order': False, 'shape': (%llu,%s), }",
               order, classes ? "i4" : "f4", (unsigned long long)count, shape);
  while ((PREAMBLE + used + 1) % UNIT) text[used++] = ' ';
  text[used++] = '\n';
  const unsigned char version[4] = {1, 0, (unsigned char)(used & 255), (unsigned char)(used >> 8)};
  put(a, dg_npy_magic, sizeof dg_npy_magic);
  put(a, version, sizeof version);
  put(a, text, (size_t)used);
}

static void put_npy(answers *a, const float *numbers) {
  const uint32_t outputs = a->form.outputs;
  const int32_t best = (int32_t)dg_argmax(numbers, outputs);
  if (a->form.output == INFER_CLASSES)
    put(a, &best, sizeof best);
  else
    put(a, numbers, outputs * sizeof *numbers);
}

/* ---- CSV ------------------------------------------------------------------- */

static void put_csv_header(answers *a) {
  put_text(a, inputs_name(a->inputs, 0) ? "sample,file" : "sample");
  if (a->form.output == INFER_CLASSES) put_text(a, a->form.names->count ? ",class,name" : ",class");
  for (uint32_t i = 0; a->form.output != INFER_CLASSES && i < a->form.outputs; i++) {
    put_text(a, ",");
    if (name_of(a, i))
      put_text(a, name_of(a, i));
    else
      put_whole(a, "", i);
  }
  put_text(a, "\n");
}

static void put_csv(answers *a, const float *numbers) {
  put_whole(a, "", a->next);
  put_file(a, ",");
  for (uint32_t i = 0; a->form.output != INFER_CLASSES && i < a->form.outputs; i++)
    put_number(a, ",", (double)numbers[i]);
  if (a->form.output == INFER_CLASSES) {
    const uint32_t best = dg_argmax(numbers, a->form.outputs);
    put_whole(a, ",", best);
    if (a->form.names->count) put_text(a, ",");
    if (name_of(a, best)) put_text(a, name_of(a, best));
  }
  put_text(a, "\n");
}

/* ---- JSON lines ------------------------------------------------------------- */

static void put_json(answers *a, const float *numbers) {
  static const char *const keys[] = {"", ",\"logits\":[", ",\"probabilities\":[",
                                     ",\"class\":", ",\"values\":["};
  put_whole(a, "{\"sample\":", a->next);
  put_file(a, ",\"file\":");
  put_text(a, keys[a->form.output]);
  for (uint32_t i = 0; a->form.output != INFER_CLASSES && i < a->form.outputs; i++)
    put_number(a, i ? "," : "", (double)numbers[i]);
  if (a->form.output == INFER_CLASSES) {
    const uint32_t best = dg_argmax(numbers, a->form.outputs);
    put_whole(a, "", best);
    if (name_of(a, best)) put_text(a, ",\"name\":"), put_text(a, name_of(a, best));
  }
  put_text(a, a->form.output == INFER_CLASSES ? "}\n" : "]}\n");
}

/* ---- all ------------------------------------------------------------------- */

bool answers_begin(answers *a, const answers_form *form, const char *path, const inputs *from,
                   dg_error *err) {
  *a = (answers){.form = *form, .to_file = path != NULL, .inputs = from};
  if (!write_names(a, err) || (path && !dg_file_begin(&a->file, path, err)))
    return free_names(a), false;
  if (form->format == INFER_NPY) put_npy_header(a, from->count);
  if (form->format == INFER_CSV) put_csv_header(a);
  return true;
}

void answers_add(answers *a, const float *numbers, uint32_t n) {
  static void (*const writers[])(answers *, const float *) = {
      [INFER_JSON_LINES] = put_json, [INFER_NPY] = put_npy, [INFER_CSV] = put_csv};
  for (uint32_t i = 0; i < n; i++, a->next++, numbers += a->form.outputs)
    writers[a->form.format](a, numbers);
}

bool answers_commit(answers *a, dg_error *err) {
  free_names(a);
  return !a->to_file || dg_file_commit(&a->file, err);
}

void answers_abandon(answers *a) {
  free_names(a);
  if (a->to_file) dg_file_abandon(&a->file);
}
