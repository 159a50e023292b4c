/**
 * A folder of pictures by class as a set: a folder for each class, or the folders train and test
 * with such folders. Classes are sorted by name (byte by byte), and so are the pictures of a class:
 * files ending in .png, .jpg, .jpeg or .pgm. Other files and names that begin with a dot are
 * skipped. They are gray, or in colour if options say that the model's input has three channels;
 * values are used as they are: white is ink. Pictures of another size than the first training
 * picture are scaled to it.
 */
#ifndef DG_PICTURES_H
#define DG_PICTURES_H

#include "core/data/dataset.h"

/** Does a folder contain folders? */
bool dg_is_pictures(const char *folder);

/** Reads the folder; without a folder `test`, the last tenth of each class becomes the test
    part. */
dg_dataset *dg_dataset_from_pictures(const char *folder, const dg_dataset_options *options,
                                     dg_error *err);

/** dg_dataset_files of such a folder. */
bool dg_pictures_files(const char *folder, dg_dataset_file *file, void *user, dg_error *err);

#endif
