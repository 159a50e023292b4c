/**
 * Time series as the UCR archive has them (https://www.timeseriesclassification.com): a pair of
 * files NAME_TRAIN.tsv and NAME_TEST.tsv, whose rows are a label and then the values of a series,
 * separated by tabs; the values of a shorter series end with missing ones: NaN, ? or nothing. A
 * sample is {steps, 1}. The labels, numbers or texts, become classes by their
 * order, which they name.
 */
#ifndef DG_UCR_H
#define DG_UCR_H

#include "core/data/dataset.h"

/** Is it the training file of a pair, or a folder that holds one? */
bool dg_is_ucr(const char *path);

dg_dataset *dg_dataset_from_ucr(const char *path, const dg_dataset_options *options, dg_error *err);

/** dg_dataset_files of such a path. */
bool dg_ucr_files(const char *path, dg_dataset_file *file, void *user, dg_error *err);

/** Reads the text of both files, which it changes; paths are for messages. */
bool dg_ucr_parse(dg_dataset *set, char *const text[2], const char *const path[2], dg_error *err);

#endif
