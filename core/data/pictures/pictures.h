/**
 * A folder of pictures by class as a set: a folder for each class, or the folders train and test
 * that hold such. Classes are in the order of their names (byte by byte), and so are the pictures
 * of a class: files ending in .png, .jpg, .jpeg or .pgm; other files and what begins with a dot are
 * passed over. Gray is taken as it is: white is ink. A picture whose size isn't that of the first
 * training picture is scaled to it.
 */
#ifndef DG_PICTURES_H
#define DG_PICTURES_H

#include "core/data/dataset.h"

/** Does a folder hold folders? */
bool dg_is_pictures(const char *folder);

/** Reads the folder; without a folder `test` the last tenth of each class is kept for the test. */
dg_dataset *dg_dataset_from_pictures(const char *folder, dg_error *err);

/** dg_dataset_files of such a folder. */
bool dg_pictures_files(const char *folder, dg_dataset_file *file, void *user, dg_error *err);

#endif
