/**
 * CIFAR-10 and CIFAR-100 in their binary form (https://www.cs.toronto.edu/~kriz/cifar.html):
 * records of one label (CIFAR-100: two, of which the second, fine one is read) and 3 x 32 x 32
 * bytes. Their files lie in a folder or in the tar archive in which they come; there may be any
 * number of records.
 */
#ifndef DG_CIFAR_H
#define DG_CIFAR_H

#include "core/data/dataset.h"

/** Is it a folder of such files, or a tar archive? */
bool dg_is_cifar(const char *path);

dg_dataset *dg_dataset_from_cifar(const char *path, const dg_dataset_options *options,
                                  dg_error *err);

/** dg_dataset_files of such a path. */
bool dg_cifar_files(const char *path, dg_dataset_file *file, void *user, dg_error *err);

#endif
