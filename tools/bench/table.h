/** The output of digits-bench. */
#ifndef DG_BENCH_TABLE_H
#define DG_BENCH_TABLE_H

#include "tools/bench/measure.h"

/** Prints what is measured, and the head of the table. */
void bench_table_begin(const bench_options *o, const bench_side *sides, uint32_t count,
                       const dg_dataset *data);
/** Prints the lines of a model, one per side; with --profile, its layers below them. */
void bench_table_model(const char *model, const bench_side *sides, uint32_t count,
                       const bench_result *results);
/** Prints the peak rates of the devices, as means over the models. */
void bench_table_end(const bench_side *sides, uint32_t count);

#endif
