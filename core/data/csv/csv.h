/**
 * Tables of images in CSV: a header, then a row for each image. The first column may be `label`;
 * the others are the gray values of a square image line by line, whole numbers from 0 (paper) to
 * 255 (ink). Kaggle's digit recognizer (https://www.kaggle.com/c/digit-recognizer/data) and other
 * sets like MNIST have this format.
 */
#ifndef DG_CSV_H
#define DG_CSV_H

#include "core/data/csv/file.h"
#include "core/data/dataset.h"

/**
 * Reads a table, gzipped or not; a table without a column of labels leaves `labels` NULL. Errors
 * name file and line, what is wrong there and the remedy; then there is nothing to free.
 */
bool dg_csv_read(dg_samples *samples, const char *path, dg_error *err);

/** The same for an opened file, from its header on. */
bool dg_csv_read_pixels(dg_samples *samples, dg_csv_file *file, dg_error *err);

/** The side of a square image of so many pixels, or 0: there is none. */
uint32_t dg_csv_side(uint32_t pixels);

#endif
