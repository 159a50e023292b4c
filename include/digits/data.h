/**
 * Data sets: samples for training and testing, each with a label or with targets. A sample is an
 * array of bytes or floats: a row of a table, a sequence or a picture. Targets are numbers, several
 * labels, or an array such as a mask.
 */
#ifndef DIGITS_DATA_H
#define DIGITS_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "digits/device.h"
#include "digits/error.h"
#include "digits/export.h"
#include "digits/model.h"
#include "digits/ndarray.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A data set in memory. Any number of threads may use one, as long as none changes it
    (dg_dataset_set_classes, dg_dataset_merge). */
typedef struct dg_dataset dg_dataset;

typedef enum { DG_PART_TRAIN, DG_PART_TEST } dg_part;

/* ---- classes ------------------------------------------------------------ */

enum { DG_CLASSES = 256, DG_CLASS_SIZE = 64 };

/** Names of classes, each at the index of its label. This struct won't grow. */
typedef struct {
  uint32_t count;                       /**< 0: the classes have no names */
  char name[DG_CLASSES][DG_CLASS_SIZE]; /**< UTF-8; empty: this class has no name */
} dg_classes;

/** Reads names from a text file, one per line. The first line is for label 0; an empty line leaves
    a label without a name. */
DG_API bool dg_classes_read(dg_classes *classes, const char *path, dg_error *err);
/** Reads the names from a weight file that dg_trainer_save wrote. A file without names is no
    error. */
DG_API bool dg_classes_from_weights(dg_classes *classes, const char *path, dg_error *err);
/** The name of a class; if it has none, its label, which is written to `number`. */
DG_API const char *dg_class_name(const dg_classes *classes, uint32_t label,
                                 char number[DG_CLASS_SIZE]);

/* ---- opening, drawing, writing ------------------------------------------ */

/**
 * Opens a data set of up to 256 classes, or of targets. `path` is one of these:
 *
 * - "builtin": the built-in set, which is drawn on `threads` threads (0: all);
 * - "builtin:table" and "builtin:signals": synthetic sets that are drawn by a law, each with a test
 *   part; core/data/drawn/builtin.h tells the law. The table has 20000 rows of 12 columns and the
 *   targets y1 and y2, whose noise has deviations of 0.5 and 10, or, with the label class, three
 *   classes. The signals are 12000 traces [128, 3] of six shapes; in "builtin:signals-unequal" they
 *   have lengths from 48 to 128;
 * - "builtin:colour": 20000 synthetic pictures [3, 32, 32], a digit over a textured ground, and
 *   4000 to test; with the targets "mask", masks of the digits, 1024 bytes of 0 or 1, in place of
 *   labels;
 * - a folder with four IDX files with the names of MNIST, QMNIST or EMNIST, gzipped or not; names
 *   of the classes are read from its classes.txt. Names tell the type and rank of an array
 *   (train-images-idx2-float); train-targets-… may stand for labels;
 * - a folder with a folder of pictures for each class, or with two such folders, train and test;
 *   the folders name the classes. Pictures are scaled to the size of the first one;
 * - a table of pixels, gzipped or not, or a pipe that one comes out of: CSV whose header names a
 *   column `label` and then the pixels of a square image, whole numbers from 0 to 255;
 * - a table of numbers, the same way: the header names the columns, which are separated by commas,
 *   semicolons or tabs. A sample has the numbers of all columns but the labels or targets. A column
 *   of texts becomes as many numbers as it has different texts (at most 256), in their sorted
 *   order: 1 for that of the row, else 0. Labels are whole numbers or texts, which become the
 *   classes in sorted order. A table of pixels becomes one of numbers if dg_dataset_options.label
 *   or .targets is given, if the model's input is no square image and the columns aren't called
 *   pixel0, pixel1, …, or if its first row has other numbers.
 * - an .npz file, a folder of .npy files, or the path of the inputs among these:
 *   x_train, y_train, x_test, y_test, or X, y. Bytes stay bytes, other numbers become floats.
 *   lengths_train and lengths_test, or lengths beside X, are those of sequences [steps, features];
 * - CIFAR-10 or CIFAR-100 in the binary version: its folder or tar archive;
 * - time series of the UCR archive: NAME_TRAIN.tsv, beside which NAME_TEST.tsv is, or their folder.
 *   Values that are missing at the end of rows make series of unequal length;
 *
 * If there are no test samples, the last tenth of all, or of each class of pictures, is held out
 * for testing (of two to nine samples, one).
 */
DG_API dg_dataset *dg_dataset_open(const char *path, unsigned threads, dg_error *err);

/** The columns of a table of numbers that was learned: their names, texts, classes and means. No
    function changes one; any number of threads may use it. */
typedef struct dg_columns dg_columns;

/** Reads the columns that a weight file carries, in new memory; NULL without an error: it carries
    none, since no table of numbers was learned. */
DG_API bool dg_columns_from_weights(dg_columns **columns, const char *path, dg_error *err);
DG_API void dg_columns_free(dg_columns *columns); /**< NULL is allowed */

/** What becomes of an empty field of a table. */
typedef enum {
  DG_MISSING_ERROR,
  DG_MISSING_MEAN, /**< it gets the mean of its column over the training part */
} dg_missing;

/** Options of dg_dataset_open_with. All but `size` may be 0 or NULL. */
typedef struct {
  size_t size;       /**< sizeof(dg_dataset_options) */
  unsigned threads;  /**< see dg_dataset_open */
  uint32_t skip_bad; /**< of a folder of pictures: so many that can't be read may be left out, in
                        all; a class must keep some in its training part */
  dg_note *note; /**< called with each picture that is left out, and with what is odd in others */
  void *user;    /**< of `note` */
  uint32_t rank, dim[3]; /**< shape of a sample, as the model's input; rank 0: as the set has it */
  dg_numbers_type type;  /**< DG_NUMBERS_FLOATS: pictures of 16 bits are not cut to bytes */
  const char *label;   /**< of a table: the column of labels; NULL: `label`. It makes the table one
                          of numbers, not pixels */
  const char *targets; /**< of a table: columns of targets instead, separated by commas; of arrays:
                          not NULL: also whole numbers are targets; of built-in sets, see above */
  dg_missing missing;  /**< of a table */
  bool decimal_comma;  /**< of a table: 1,5 is a number */
  bool transpose;      /**< of IDX files: swaps height and width of images (EMNIST's always are) */
  const char *arrays;  /**< of .npz and .npy files: names of four arrays, training inputs and
                          targets, then those to test (or of two), separated by commas */
  bool keep_all;       /**< of a table: no row is held out for testing */
  const dg_dataset *like; /**< of a table of numbers, to test what was learned from that one: it is
                             read by its columns, and all rows are to test */
  const dg_columns *columns; /**< of a table of numbers: it is read by these, which were learned:
                                found by their names in any order, with their texts, classes and
                                means. Other columns are left out, with a note. `label` and
                                `targets` then tell other names of those */
  uint32_t output_rank, output_dim[3]; /**< shape of the model's output: it tells where channels are
                                          in targets of .npz and .npy files that are arrays; rank
                                          0: where they are in the inputs, if it isn't clear */
  /** Arrays that take so many bytes are not read into memory: files that hold samples as they are
      used (bytes of IDX and .npy files, floats of .npy files) are mapped, others are unpacked to a
      file of their own in the cache's folder. 0: maps from 64 MB on, unpacks what takes more than a
      quarter of the memory. A mapped file must not change as long as the set is open; if it is cut
      short, the system ends the program (SIGBUS). */
  uint64_t in_memory;
} dg_dataset_options;

/** dg_dataset_open with more options. */
DG_API dg_dataset *dg_dataset_open_with(const char *path, const dg_dataset_options *options,
                                        dg_error *err);

/**
 * The samples of a part in the caller's memory. Inputs are [samples, columns], [samples, steps,
 * features] or [samples, channels, height, width]; bytes of pictures are grays from 0 to 255.
 */
typedef struct {
  size_t size;           /**< sizeof(dg_sample_arrays) */
  dg_ndarray inputs;     /**< of rank 2 to 4 */
  const uint8_t *labels; /**< [samples]; NULL: there are targets */
  dg_ndarray targets;    /**< [samples, …], of rank 1 to 4; all 0 with labels */
  /** [samples]: how many of the steps of each sequence are there, from 1 on; what follows may be
     any number. NULL: all. Both parts have lengths, or neither. */
  const uint32_t *lengths;
} dg_sample_arrays;

/**
 * Makes a set of arrays. `test` NULL: the last tenth of the training samples is held out. The
 * arrays are copied; if `borrow` is set they are not, and must stay unchanged as long as the set.
 * Floats must be finite, and both parts alike.
 */
DG_API dg_dataset *dg_dataset_from_arrays(const dg_sample_arrays *train,
                                          const dg_sample_arrays *test, bool borrow, dg_error *err);

/** Called with the path of a file; return false to stop. */
typedef bool dg_dataset_file(void *user, const char *path, dg_error *err);

/**
 * Calls `file` for each file that dg_dataset_open reads for `path`. In a folder of IDX files this
 * includes files that are not read because another one is used instead, such as a .gz beside the
 * same file unpacked. A path that does not exist has no files.
 */
DG_API bool dg_dataset_files(const char *path, dg_dataset_file *file, void *user, dg_error *err);

/**
 * Draws a set like the built-in one from a seed: `train` and `test` digits of 28x28, on `threads`
 * threads (0: all). The same seed gives the same bytes for any number of threads, and a larger set
 * begins with the images of a smaller one. The built-in set is dg_dataset_draw(60000, 10000, 1, …).
 */
DG_API dg_dataset *dg_dataset_draw(uint32_t train, uint32_t test, uint32_t seed, unsigned threads,
                                   dg_error *err);

/**
 * Writes a set as four IDX files with MNIST's names, which tell type and rank, gzipped or not,
 * which dg_dataset_open can read. The folder is created if it does not exist; a folder that already
 * has such a file is an error. The names of the classes are written to classes.txt. On failure no
 * file is left behind.
 */
DG_API bool dg_dataset_write(const dg_dataset *data, const char *folder, bool gzip, dg_error *err);

DG_API void dg_dataset_close(dg_dataset *data); /**< NULL is allowed */

/* ---- contents ----------------------------------------------------------- */

/**
 * The samples of a part. Each has a label, or a target of several numbers. The arrays belong to the
 * data set. This struct won't grow.
 */
typedef struct {
  uint32_t count;
  uint32_t rank,
      dim[3]; /**< of a sample: {columns}, {steps, features}, {channels, height, width} */
  dg_numbers_type type;
  const void *inputs;    /**< [count, dim...] */
  const uint8_t *labels; /**< [count]; NULL with targets */
  uint32_t targets;      /**< numbers in the target of a sample; 0: it has a label */
  dg_numbers_type targets_type;
  const void *target_numbers; /**< [count, targets]; NULL with labels */
  /* of pictures in bytes, else 0 and NULL */
  uint32_t channels, height, width;
  const uint8_t *images; /**< [count, channels, height, width]; of digits: 0 paper, 255 ink */
} dg_part_view;
DG_API dg_part_view dg_dataset_part(const dg_dataset *data, dg_part part);

/** The lengths [count] of a part's samples, which are sequences [steps, features]: 1 to their
    steps; NULL: all are whole. Beyond its length, a sample's numbers are of no meaning. */
DG_API const uint32_t *dg_dataset_lengths(const dg_dataset *data, dg_part part);

/** Number of images in each part. */
DG_API uint32_t dg_dataset_train_samples(const dg_dataset *data);
DG_API uint32_t dg_dataset_test_samples(const dg_dataset *data);
/** Where the set comes from: the folder or file, or "built-in digits". */
DG_API const char *dg_dataset_source(const dg_dataset *data);
/** Which images were held out for testing: "the last tenth". NULL: the set has its own test
    images. */
DG_API const char *dg_dataset_held_out(const dg_dataset *data);

/** The names of a set's classes; they belong to the set. */
DG_API const dg_classes *dg_dataset_classes(const dg_dataset *data);
/** The name of number `index` of a sample of a table: "age", or "colour=red" for the text red of a
    column of texts. Writes `name`; NULL: it has none. */
DG_API const char *dg_dataset_feature_name(const dg_dataset *data, uint32_t index, char *name,
                                           size_t size);
/** The name of a number of the targets of a table; it belongs to the set. NULL: it has none. */
DG_API const char *dg_dataset_target_name(const dg_dataset *data, uint32_t index);
/** Sets the names of a set's classes. Fewer names than labels are an error, whose message shows
    `where` the names come from. */
DG_API bool dg_dataset_set_classes(dg_dataset *data, const dg_classes *classes, const char *where,
                                   dg_error *err);

/** Was what weights learned from a table with the same features: columns, their order and their
    texts? Sets that are no table of numbers and weights that carry no columns fit. */
DG_API bool dg_dataset_fits_weights(const dg_dataset *data, const char *path, dg_error *err);

/* ---- derived sets ------------------------------------------------------- */

/** Puts all images of a set whose test images were held out into one part. Use it to train on one
    set and test on another. */
DG_API bool dg_dataset_merge(dg_dataset *data, dg_part part, dg_error *err);

/**
 * Makes a set of the test images `chosen` [count] (indices from 0) of another set. It has no
 * training images. Use it to see how a network classifies some of the images.
 */
DG_API dg_dataset *dg_dataset_select(const dg_dataset *data, const uint32_t *chosen, uint32_t count,
                                     dg_error *err);

/**
 * Augments training images as the model's recipe says, as if they were the batch of each of `steps`
 * training steps from `first_step` on. The random numbers depend on seed and step. `chosen` [count]
 * are indices of training images, from 0. Writes `images` [steps, count, height, width].
 */
DG_API bool dg_dataset_augment(const dg_dataset *data, const dg_model *model, dg_device *device,
                               const uint32_t *chosen, uint32_t count, uint32_t seed,
                               uint32_t first_step, uint32_t steps, uint8_t *images, dg_error *err);

/* ---- samples without labels ------------ */

/** Samples that are read piece by piece, in the order of rows or of sorted names. One thread at a
    time may use it. */
typedef struct dg_sample_file dg_sample_file;

/** Are there samples without labels at a path: a .npy file or a picture (by its name or by how it
    begins), a folder of pictures that has no folders, or an .npz file with inputs alone? */
DG_API bool dg_is_sample_file(const char *path);

/** Is there what dg_dataset_open would read as a table: another file, or a pipe? */
DG_API bool dg_is_table(const char *path);

/**
 * Opens what dg_is_sample_file is true for, or a table, or any .npz file. `rank` and `dim` of the
 * options are the shape of the model's input:
 * - of arrays it decides where the channels are: they become the first dimension of a sample. Of an
 *   .npz file `arrays` names the one; NULL: x_test, or another usual name;
 * - pictures are scaled to it, in colour or gray as it has 3 channels or 1;
 * - a table is one of pixels or numbers by the same rules as in dg_dataset_open. Labels and targets
 *   are left out if they are there. With `columns` (or `like`), features are read as these say;
 *   else all other columns are numbers, and empty fields an error.
 */
DG_API dg_sample_file *dg_sample_file_open(const char *path, const dg_dataset_options *options,
                                           dg_error *err);
DG_API void dg_sample_file_close(dg_sample_file *file); /**< NULL is allowed */

/** The shape of all samples, [n, the shape of one], without numbers. */
DG_API dg_ndarray dg_sample_file_shape(const dg_sample_file *file);

/** The name of the picture that sample `index` is; it belongs to the file. NULL: it is none, or it
    came through a pipe. */
DG_API const char *dg_sample_file_name(const dg_sample_file *file, uint32_t index);

/**
 * Reads the next samples, at most `most`, of bytes or as floats. A number that is not finite, or
 * that a float can't hold, is an error that names its place. The array is valid until the next
 * call; after the last sample, its first dimension is 0.
 */
DG_API bool dg_sample_file_next(dg_sample_file *file, uint32_t most, dg_ndarray *samples,
                                dg_error *err);

/* ---- images without labels ---------------------------------------------- */

/** Images without labels. This struct won't grow. */
typedef struct {
  uint32_t count, height, width;
  uint8_t *images; /**< [count, height, width], 0 paper, 255 ink */
} dg_images;

/** Reads the images of a CSV table as dg_dataset_open does. A column of labels is optional and is
    ignored. Free with dg_images_free. */
DG_API bool dg_images_read(dg_images *images, const char *path, dg_error *err);
DG_API void dg_images_free(dg_images *images); /**< an empty struct is allowed */

#ifdef __cplusplus
}
#endif

#endif
