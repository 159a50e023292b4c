/** Data sets: what there is to learn from. */
#ifndef DIGITS_DATA_H
#define DIGITS_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "digits/device.h"
#include "digits/error.h"
#include "digits/export.h"
#include "digits/model.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A data set in memory. While nobody changes it (dg_dataset_set_classes, dg_dataset_merge), any
    number of threads may use one. */
typedef struct dg_dataset dg_dataset;

typedef enum { DG_PART_TRAIN, DG_PART_TEST } dg_part;

/* ---- classes ------------------------------------------------------------ */

enum { DG_CLASSES = 256, DG_CLASS_SIZE = 64 };

/** Names of classes, each at the index of its label. This struct won't grow. */
typedef struct {
  uint32_t count;                       /**< 0: they have none */
  char name[DG_CLASSES][DG_CLASS_SIZE]; /**< UTF-8; empty: this class has none */
} dg_classes;

/** Reads names from a text file, one a line: the first is that of label 0, and an empty line leaves
    a label without one. */
DG_API bool dg_classes_read(dg_classes *classes, const char *path, dg_error *err);
/** The names that a weight file carries, which dg_trainer_save wrote; none is no error. */
DG_API bool dg_classes_from_weights(dg_classes *classes, const char *path, dg_error *err);
/** What a class is called: its name, or else its label, which is written to `number`. */
DG_API const char *dg_class_name(const dg_classes *classes, uint32_t label,
                                 char number[DG_CLASS_SIZE]);

/* ---- opening, drawing, writing ------------------------------------------ */

/**
 * Opens a set, of any size of images and up to 256 classes: "builtin"; a folder with four IDX
 * files of MNIST's names, gzipped or not; a folder with a folder of pictures for each class, or
 * with the folders train and test that hold such; or a CSV table, gzipped or not, whose header
 * names a column `label` and then the pixels of a square image. Names of the classes are those of
 * the folders, or in the file classes.txt beside IDX files. Pictures whose size isn't that of the
 * first are scaled to it. Of a table or folder without test images the last tenth (one of two to
 * nine) is held out for the test: that of all rows, or that of each class. The built-in set is
 * drawn on `threads` threads (0: all).
 */
DG_API dg_dataset *dg_dataset_open(const char *path, unsigned threads, dg_error *err);

/** Is told the path of a file; false ends it. */
typedef bool dg_dataset_file(void *user, const char *path, dg_error *err);

/**
 * Tells each file that dg_dataset_open reads of `path`, and of a folder of IDX files also those
 * that others take the place of, as an .gz beside the same file unpacked. A path that is not there
 * has no files.
 */
DG_API bool dg_dataset_files(const char *path, dg_dataset_file *file, void *user, dg_error *err);

/**
 * Draws a set like the built-in one: `train` and `test` digits of 28x28 from a seed, on `threads`
 * threads (0: all). The same seed gives the same bytes for any number of threads, and the first
 * images of a larger set are those of a smaller one. The built-in set is
 * dg_dataset_draw(60000, 10000, 1, …).
 */
DG_API dg_dataset *dg_dataset_draw(uint32_t train, uint32_t test, uint32_t seed, unsigned threads,
                                   dg_error *err);

/**
 * Writes a set as four IDX files with MNIST's names, gzipped or not, for dg_dataset_open. The
 * folder is made where there is none; one that holds such a file already is an error. Names of the
 * classes are written to its classes.txt. On failure no file is left behind.
 */
DG_API bool dg_dataset_write(const dg_dataset *data, const char *folder, bool gzip, dg_error *err);

DG_API void dg_dataset_close(dg_dataset *data); /**< NULL is allowed */

/* ---- what is in it ------------------------------------------------------ */

/** The samples of a part; they belong to the data set. This struct won't grow. */
typedef struct {
  uint32_t count, height, width;
  const uint8_t *images; /**< [count, height, width], 0 paper, 255 ink */
  const uint8_t *labels; /**< [count] */
} dg_part_view;
DG_API dg_part_view dg_dataset_part(const dg_dataset *data, dg_part part);

/** Images of each part. */
DG_API uint32_t dg_dataset_train_samples(const dg_dataset *data);
DG_API uint32_t dg_dataset_test_samples(const dg_dataset *data);
/** What it is: the folder or file, or "built-in digits". */
DG_API const char *dg_dataset_source(const dg_dataset *data);
/** Which test images were held out from the others, "the last tenth"; NULL: the set has its own. */
DG_API const char *dg_dataset_held_out(const dg_dataset *data);

/** The names of a set's classes; they belong to it. */
DG_API const dg_classes *dg_dataset_classes(const dg_dataset *data);
/** Names a set's classes; fewer names than labels are an error. `where` the names are from is said
    in that error. */
DG_API bool dg_dataset_set_classes(dg_dataset *data, const dg_classes *classes, const char *where,
                                   dg_error *err);

/* ---- others made of it -------------------------------------------------- */

/** Puts all images of a set whose test images were held out into one part: for training on one set
    and testing on another. */
DG_API bool dg_dataset_merge(dg_dataset *data, dg_part part, dg_error *err);

/**
 * A small set whose test images are the test images `chosen` [count] of another, counted from 0,
 * and which has none to train on: for a look at how a network answers some of them.
 */
DG_API dg_dataset *dg_dataset_select(const dg_dataset *data, const uint32_t *chosen, uint32_t count,
                                     dg_error *err);

/**
 * Training images as `steps` steps of the model's training from `first_step` on would see them,
 * were they the batch of each: augmented as its recipe says, drawn from seed and step. `chosen`
 * [count] counts the training images from 0; writes `images` [steps, count, height, width].
 */
DG_API bool dg_dataset_augment(const dg_dataset *data, const dg_model *model, dg_device *device,
                               const uint32_t *chosen, uint32_t count, uint32_t seed,
                               uint32_t first_step, uint32_t steps, uint8_t *images, dg_error *err);

/* ---- images without labels ---------------------------------------------- */

/** Images without labels. This struct won't grow. */
typedef struct {
  uint32_t count, height, width;
  uint8_t *images; /**< [count, height, width], 0 paper, 255 ink */
} dg_images;

/** Reads the images of a CSV table as dg_dataset_open does, with a column of labels, which are left
    out, or without one. Free with dg_images_free. */
DG_API bool dg_images_read(dg_images *images, const char *path, dg_error *err);
DG_API void dg_images_free(dg_images *images); /**< what is empty is allowed */

#ifdef __cplusplus
}
#endif

#endif
