/** What the columns of a table of numbers are: features, labels or targets. */
#ifndef DG_CSV_ROLES_H
#define DG_CSV_ROLES_H

#include "core/data/columns.h"
#include "core/data/csv/header.h"
#include "digits/data.h"

/**
 * Takes the columns of a header in new memory: those of `options->label` or `options->targets`; all
 * others are features, numbers until a text is seen. Writes which column each one of the header is
 * to `of` [header->count].
 */
dg_columns *dg_csv_roles_learn(const dg_csv_header *header, const dg_dataset_options *options,
                               const dg_scan *scan, uint32_t *of);

/**
 * Finds learned columns in a header, and copies them; without `answers`, only the features. One of
 * role DG_COLUMN_IGNORED follows, which other columns of the header belong to; a note tells them.
 * `options->label` and `.targets` are other names of the labels and targets.
 */
dg_columns *dg_csv_roles_follow(const dg_csv_header *header, const dg_columns *learned,
                                const dg_dataset_options *options, bool answers,
                                const dg_scan *scan, uint32_t *of);

/** Takes all columns but labels and targets as numbers, and lets one of role DG_COLUMN_IGNORED
    follow, which those belong to. */
dg_columns *dg_csv_roles_plain(const dg_csv_header *header, const dg_dataset_options *options,
                               const dg_scan *scan, uint32_t *of);

#endif
