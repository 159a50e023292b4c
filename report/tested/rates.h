/** How well each class, label or target is told: its name, and a table of the metrics of all. */
#ifndef DG_RATES_H
#define DG_RATES_H

#include "report/page.h"
#include "report/report.h"

/** The name of an output; if it has none, its number, which is written to `number`. */
const char *rates_name(const dg_dataset *data, dg_task task, uint32_t output,
                       char number[DG_CLASS_SIZE]);

/** Adds a section with a row for each output and one for their means, if the report has metrics of
    outputs. */
void rates_add(page *p, const report_contents *contents);

#endif
