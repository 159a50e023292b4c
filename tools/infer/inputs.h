/** The samples that digits-infer runs on, piece by piece. */
#ifndef DG_INFER_INPUTS_H
#define DG_INFER_INPUTS_H

#include "tools/infer/options.h"

/** All zero: none. */
typedef struct {
  dg_sample_file *file; /**< or else `data` */
  dg_dataset *data;
  dg_part_view parts[2];
  const uint32_t *lengths[2]; /**< of their sequences; NULL: they are whole */
  unsigned part_count, part;  /**< the next one */
  uint32_t next;              /**< its next sample */
  uint64_t count;             /**< of all samples */
} inputs;

/** What says how samples are to be read. */
typedef struct {
  const dg_model *model;
  const dg_columns *columns; /**< NULL: the weights carry none */
} inputs_learned;

/** Opens INPUT for a network. `path` is its path, `program` for notes. Free with inputs_close, also
    after a failure. */
bool inputs_open(inputs *in, const infer_options *options, const char *path,
                 const inputs_learned *learned, char *program, dg_error *err);
void inputs_close(inputs *in);

/** The name of the picture that a sample is; NULL: it has none. */
const char *inputs_name(const inputs *in, uint64_t index);

/** The next samples, at most `most`, and their lengths (NULL: they are whole), which are valid
    until the next call; none (a first dimension of 0) after the last one. */
bool inputs_next(inputs *in, uint32_t most, dg_ndarray *samples, const uint32_t **lengths,
                 dg_error *err);

#endif
