/**
 * Tables of images: text with a header, then a row for each image, its values parted by commas; a
 * column `label` first, or none, then the gray values of a square image line by line, whole numbers
 * from 0 (paper) to 255 (ink). So come the files of Kaggle's digit recognizer
 * (https://www.kaggle.com/c/digit-recognizer/data), and others like MNIST.
 */
#ifndef DG_CSV_H
#define DG_CSV_H

#include "core/data/dataset.h"

/**
 * Reads a table, gzipped or not; a table without a column of labels leaves `labels` NULL. Errors
 * name file and line, what is wrong there and the remedy; nothing is left to free then.
 */
bool dg_csv_read(dg_samples *samples, const char *path, dg_error *err);

#endif
