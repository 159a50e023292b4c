/** What digits-infer writes: numbers of each sample as .npy, CSV or JSON lines. */
#ifndef DG_INFER_ANSWERS_H
#define DG_INFER_ANSWERS_H

#include "core/base/file/file.h"
#include "digits/data.h"
#include "tools/infer/inputs.h"
#include "tools/infer/options.h"

/** How answers look. */
typedef struct {
  infer_format format;
  infer_output output; /**< not INFER_DEFAULT */
  uint32_t outputs;    /**< numbers of a sample */
  const dg_classes *names;
} answers_form;

/** All zero: none. */
typedef struct {
  answers_form form;
  bool to_file;
  dg_new_file file;
  uint64_t next;        /**< number of the next sample */
  char **names;         /**< [form.names->count], as the format writes them */
  const inputs *inputs; /**< they tell names of files */
} answers;

/** Begins with the answers for samples `from`, which tell names of files; `path` NULL: to the
   standard output. After success, end with answers_commit or answers_abandon. */
bool answers_begin(answers *a, const answers_form *form, const char *path, const inputs *from,
                   dg_error *err);

/** Adds the numbers [n, outputs] of the next samples; of classes, the largest one counts. */
void answers_add(answers *a, const float *numbers, uint32_t n);

/** Puts the file in its place. */
bool answers_commit(answers *a, dg_error *err);
/** Leaves everything as it was. */
void answers_abandon(answers *a);

#endif
