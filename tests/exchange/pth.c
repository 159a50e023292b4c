#define _GNU_SOURCE /* open_memstream */
#include "tests/exchange/pth.h"

#include <stdio.h>
#include <string.h>

static void put_text(FILE *to, const char *text) {
  uint32_t length = (uint32_t)strlen(text);
  fputc('X', to);
  fwrite(&length, sizeof length, 1, to);
  fputs(text, to);
}

static void put_number(FILE *to, int32_t number) {
  fputc('J', to);
  fwrite(&number, sizeof number, 1, to);
}

static void put_numbers(FILE *to, const int32_t *numbers, uint32_t count) {
  fputc('(', to);
  for (uint32_t i = 0; i < count; i++) put_number(to, numbers[i]);
  fputc('t', to);
}

/** NAME: _rebuild_tensor_v2(("storage", TYPE, KEY, "cpu", NUMBERS), 0, DIM, STRIDE, False,
    OrderedDict()) */
static void put_tensor(FILE *to, const pth_tensor *t) {
  put_text(to, t->name);
  fputs("ctorch._utils\n_rebuild_tensor_v2\n((", to);
  put_text(to, "storage");
  fprintf(to, "ctorch\n%sStorage\n", t->type);
  put_text(to, t->key);
  put_text(to, "cpu");
  put_number(to, t->numbers);
  fputs("tQ", to);
  put_number(to, 0);
  put_numbers(to, t->dim, t->rank);
  put_numbers(to, t->stride, t->rank);
  fputs("\x89"
        "ccollections\nOrderedDict\n)RtRs",
        to);
}

char *pth_pickle(const pth_tensor *tensors, uint32_t count, size_t *size) {
  char *pickle = NULL;
  FILE *to = open_memstream(&pickle, size);
  if (!to) return NULL;
  fputs("\x80\2}", to);
  for (uint32_t i = 0; i < count; i++) put_tensor(to, &tensors[i]);
  fputc('.', to);
  return fclose(to) == 0 ? pickle : NULL;
}
