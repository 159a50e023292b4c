/** The arrays of a report's test as figures show them: inputs, targets and outputs of samples. */
#ifndef DG_SHOWN_H
#define DG_SHOWN_H

#include "report/figures/tile.h"
#include "report/report.h"

/** All zero before its first use. */
typedef struct {
  const report_contents *contents;
  tile_form input;
  tile_form target; /**< of targets and outputs; a row if they are numbers without a shape */
} shown;

/**
 * Finds out what the arrays are. Targets have the shape of the input if that is learned, else that
 * before the flatten at the network's end, else as many channels or features as fit the pictures or
 * sequences that are the input.
 */
bool shown_open(shown *s, const report_contents *contents, dg_error *err);

/** The input of a sample. */
tile_array shown_input(const shown *s, uint32_t sample);

/** Number k of the target of a sample, in the units of the output. */
double shown_target(const shown *s, uint32_t sample, uint32_t k);

/** Number k of the output for a sample; of labels, its probability. */
double shown_output(const shown *s, uint32_t sample, uint32_t k);

#endif
