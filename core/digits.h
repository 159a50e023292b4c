/**
 * digits: trains and tests small networks on any OpenCL device, or on the CPU.
 *
 * The way of a program: load a model (what to learn), open a device (where),
 * get a data set, make a trainer of the three, train and test it. Every
 * function that can fail takes a `dg_error *` last and returns false or NULL;
 * what is returned by a `new`, `load` or `open` belongs to the caller. No
 * function prints or exits. An object is used by one thread at a time.
 */
#ifndef DIGITS_H
#define DIGITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/** Version of the library, "major.minor.patch". */
const char *dg_version(void);

/* ---- devices ------------------------------------------------------------ */

typedef struct dg_device dg_device;

/** A device as the programs list it. */
typedef struct {
  const char *backend; /**< "opencl", "cpu" */
  unsigned number;     /**< within the backend, for dg_open */
  char name[128], platform[128], version[128], driver[128];
  unsigned compute_units;
  uint64_t memory; /**< bytes */
  bool gpu;
  char tuned[96]; /**< as dg_device_tuned */
} dg_device_info;

/** Writes up to `room` devices of all backends to `out`, and to `count` how many there are. */
bool dg_device_list(dg_device_info *out, size_t room, size_t *count, dg_error *err);

/**
 * Opens a device. `backend` NULL: opencl where it has a device, else cpu. `device` NULL: the
 * first of the backend; else its number or a part of its name. `threads` 0: all.
 * A backend that is not built in or has no device is an error with its remedy.
 */
dg_device *dg_open(const char *backend, const char *device, unsigned threads, dg_error *err);

/** The backend that the device is of; belongs to the device, as its name does. */
const char *dg_device_backend(const dg_device *device);
/** What the driver calls it. */
const char *dg_device_name(const dg_device *device);
/** Threads in use on the cpu, compute units of another device. */
unsigned dg_device_threads(const dg_device *device);

/** What tuning (dg_device_tune) chose otherwise than it is by default, for people; else empty. */
const char *dg_device_tuned(const dg_device *device);

/** Closes a device after all that uses it was freed. NULL is allowed. */
void dg_close(dg_device *device);

/* ---- models ------------------------------------------------------------- */

typedef struct dg_model dg_model;

/** A key of the model file that an option overrides. */
typedef struct {
  const char *option; /**< named in messages: "--epochs" */
  const char *path;   /**< "train.epochs", "data.mean", or "conv1.filters" for the layer conv1 */
  const char *value;  /**< as it would stand in the file; a word may go without quotes */
} dg_override;

/**
 * Reads a model file, checks every key and fills in the defaults. Errors name file, line and
 * remedy. `model` is a path where it has a slash or ends in .cfg, else the name of a model that
 * dg_model_list finds.
 */
dg_model *dg_model_load(const char *model, const dg_override *overrides, size_t count,
                        dg_error *err);
/** The same from a weight file that dg_trainer_save wrote, which carries its model. */
dg_model *dg_model_from_weights(const char *path, const dg_override *overrides, size_t count,
                                dg_error *err);
void dg_model_free(dg_model *model); /**< NULL is allowed */

/** A model that is found by its name. */
typedef struct {
  char name[64];          /**< of its file, without .cfg */
  char description[1024]; /**< as the file gives it; what is wrong with a file that can't be used */
  uint64_t parameters;    /**< 0 for a file that can't be used */
} dg_model_info;

/**
 * Writes up to `room` of the models that are found by name to `out`, sorted, and to `count` how
 * many there are. They are the .cfg files in $DIGITS_MODELS if it is set, else in the folder that
 * was installed beside the running program, else in the one that the library was configured for.
 */
bool dg_model_list(dg_model_info *out, size_t room, size_t *count, dg_error *err);

enum { DG_PATH_SIZE = 1024 };

/**
 * The model file that a word means, as dg_model_load takes it. Writes `path` [DG_PATH_SIZE]. An
 * unknown name is an error with the nearest right one.
 */
bool dg_model_find(const char *model, char *path, dg_error *err);

/**
 * The weight file that a word means: itself where it has a slash or ends in .safetensors, else that
 * of the name in the folder $DIGITS_WEIGHTS if it is set, else in the one that was installed
 * beside the running program, else in the one that the library was configured for. Writes `path`
 * [DG_PATH_SIZE]. An unknown name is an error with the nearest right one.
 */
bool dg_weights_find(const char *weights, char *path, dg_error *err);

/** Weights that are found by their name. */
typedef struct {
  char name[256]; /**< of their file, without .safetensors */
} dg_weights_info;

/**
 * Writes up to `room` of the names that dg_weights_find knows to `out`, sorted, and to `count` how
 * many there are. That there is no such folder is an error.
 */
bool dg_weights_list(dg_weights_info *out, size_t room, size_t *count, dg_error *err);

/** The `name` in its file; belongs to the model. */
const char *dg_model_name(const dg_model *model);
/** The effective model file, overrides included; belongs to the model. */
const char *dg_model_text(const dg_model *model);

/** Its `loss`: "cross_entropy" or "mse". */
const char *dg_model_loss(const dg_model *model);

enum { DG_LAYER_INPUTS = 8 };

/** A layer of a model and what it gives for one sample. */
typedef struct {
  const char *name, *type; /**< belong to the model; both are "input" for its input */
  uint32_t inputs;
  uint32_t in[DG_LAYER_INPUTS]; /**< places in the list, all before this one */
  uint32_t rank, dim[3];        /**< {features}, {steps, features}, {channels, height, width} */
  uint64_t parameters;          /**< numbers that are learned */
} dg_layer_info;

/**
 * Writes the model's input and then its layers, in the file's order, to `out`, up to `room` in all,
 * and to `count` how many there are. A layer that doesn't fit the one before it is an error.
 */
bool dg_model_layers(const dg_model *model, dg_layer_info *out, size_t room, size_t *count,
                     dg_error *err);

/** What a model file may say about layers: every type with its keys, from the table that checks
    them. Writes text of up to `room` bytes; returns the length of the whole text. */
size_t dg_layer_help(char *text, size_t room);

/**
 * What a model is on a device: layers, shapes, parameters, operations of one sample and the
 * memory plan. Writes text of up to `room` bytes, and to `length` how long the whole is.
 */
bool dg_model_describe(const dg_model *model, dg_device *device, char *text, size_t room,
                       size_t *length, dg_error *err);

/* ---- data --------------------------------------------------------------- */

typedef struct dg_dataset dg_dataset;

typedef enum { DG_PART_TRAIN, DG_PART_TEST } dg_part;

enum { DG_CLASSES = 256, DG_CLASS_SIZE = 64 };

/** Names of classes, each at the place of its label. */
typedef struct {
  uint32_t count;                       /**< 0: they have none */
  char name[DG_CLASSES][DG_CLASS_SIZE]; /**< UTF-8; empty: this class has none */
} dg_classes;

/** Reads names from a text file, one a line: the first is that of label 0, and an empty line leaves
    a label without one. */
bool dg_classes_read(dg_classes *classes, const char *path, dg_error *err);
/** The names that a weight file carries, which dg_trainer_save wrote; none is no error. */
bool dg_classes_from_weights(dg_classes *classes, const char *path, dg_error *err);
/** What a class is called: its name, or else its label, which is written to `number`. */
const char *dg_class_name(const dg_classes *classes, uint32_t label, char number[DG_CLASS_SIZE]);

/**
 * Opens a set, of any size of images and up to 256 classes: "builtin"; a folder with four IDX
 * files of MNIST's names, gzipped or not; a folder with a folder of pictures for each class, or
 * with the folders train and test that hold such; or a CSV table, gzipped or not, whose header
 * names a column `label` and then the pixels of a square image. Names of the classes are those of
 * the folders, or in the file classes.txt beside IDX files. Pictures whose size isn't that of the
 * first are scaled to it. Of a table or folder without test images the last tenth (one of two to
 * nine) is kept for the test: that of all rows, or that of each class.
 */
dg_dataset *dg_dataset_open(const char *path, unsigned threads, dg_error *err);

/** Is told the path of a file; false ends it. */
typedef bool dg_dataset_file(void *user, const char *path, dg_error *err);

/**
 * Tells each file that dg_dataset_open reads of `path`, and of a folder of IDX files also those
 * that others take the place of, as an .gz beside the same file unpacked. What is not there has
 * none.
 */
bool dg_dataset_files(const char *path, dg_dataset_file *file, void *user, dg_error *err);

/** How test images were taken off the others, "the last tenth"; NULL: the set came with them. */
const char *dg_dataset_held_out(const dg_dataset *data);
/** Makes all images of a set the part that is named, where the test images were taken off the
    others: for training on one set and testing on another. */
bool dg_dataset_merge(dg_dataset *data, dg_part part, dg_error *err);

/** The names of a set's classes; they belong to it. */
const dg_classes *dg_dataset_classes(const dg_dataset *data);
/** Names a set's classes; fewer names than labels are an error. `where` they are from is named
    there. */
bool dg_dataset_set_classes(dg_dataset *data, const dg_classes *classes, const char *where,
                            dg_error *err);

/** Images without labels. */
typedef struct {
  uint32_t count, height, width;
  uint8_t *images; /**< [count, height, width], 0 paper, 255 ink */
} dg_images;

/** Reads the images of a CSV table as dg_dataset_open does, with a column of labels, which are left
    out, or without one. Free with dg_images_free. */
bool dg_images_read(dg_images *images, const char *path, dg_error *err);
void dg_images_free(dg_images *images); /**< what is empty is allowed */

/**
 * Draws a set like the built-in one: `train` and `test` digits of 28x28 from a seed, on `threads`
 * threads (0: all). The same seed gives the same bytes for any number of threads, and the first
 * images of a larger set are those of a smaller one. The built-in set is
 * dg_dataset_draw(60000, 10000, 1, …).
 */
dg_dataset *dg_dataset_draw(uint32_t train, uint32_t test, uint32_t seed, unsigned threads,
                            dg_error *err);

/**
 * Writes a set as four IDX files with MNIST's names, gzipped or not, for dg_dataset_open. The
 * folder is made where there is none; one that holds such a file already is an error. Names of the
 * classes are written to its classes.txt. On failure no file is left behind.
 */
bool dg_dataset_write(const dg_dataset *data, const char *folder, bool gzip, dg_error *err);

/** The samples of a part; they belong to the data set. */
typedef struct {
  uint32_t count, height, width;
  const uint8_t *images; /**< [count, height, width], 0 paper, 255 ink */
  const uint8_t *labels; /**< [count] */
} dg_part_view;
dg_part_view dg_dataset_part(const dg_dataset *data, dg_part part);

/**
 * Training images as `steps` steps of the model's training from `first_step` on would see them,
 * were they the batch of each: augmented as its recipe says, drawn from seed and step. `chosen`
 * [count] counts the training images from 0; writes `images` [steps, count, height, width].
 */
bool dg_dataset_augment(const dg_dataset *data, const dg_model *model, dg_device *device,
                        const uint32_t *chosen, uint32_t count, uint32_t seed, uint32_t first_step,
                        uint32_t steps, uint8_t *images, dg_error *err);

/**
 * A small set whose test images are the test images `chosen` [count] of another, counted from 0,
 * and which has none to train on: for a look at how a network answers some of them.
 */
dg_dataset *dg_dataset_select(const dg_dataset *data, const uint32_t *chosen, uint32_t count,
                              dg_error *err);

/** Images of each part. */
uint32_t dg_dataset_train_samples(const dg_dataset *data);
uint32_t dg_dataset_test_samples(const dg_dataset *data);
/** What it is: the folder or file, or "built-in digits". */
const char *dg_dataset_source(const dg_dataset *data);
void dg_dataset_close(dg_dataset *data); /**< NULL is allowed */

/* ---- pictures ----------------------------------------------------------- */

/** A gray picture in memory. */
typedef struct {
  uint32_t height, width;
  uint8_t *pixels; /**< [height, width], 0 black, 255 white */
} dg_picture;

/**
 * Reads a PNG, JPEG or PGM file as gray; colours by their luma (ITU-R BT.601), what is transparent
 * as paper, a photograph turned as its camera says. Pixels are the file's numbers, of 16 bits those
 * of 8 next to them; what it says of gamma and colour spaces is passed over. One that is damaged,
 * or has more than 67 108 864 pixels or 65 535 on a side, is an error that names it, before
 * anything is decoded. Free with dg_picture_free.
 */
bool dg_picture_read(dg_picture *picture, const char *path, dg_error *err);
/** The same from the `size` bytes of a file; `name` stands for it in messages. */
bool dg_picture_decode(dg_picture *picture, const void *bytes, size_t size, const char *name,
                       dg_error *err);
/** The height and width that a file's header tells (before a photograph is turned); nothing is
    decoded. */
bool dg_picture_measure(const void *bytes, size_t size, const char *name, uint32_t *height,
                        uint32_t *width, dg_error *err);
void dg_picture_free(dg_picture *picture); /**< one without pixels is allowed */

/** Where in a picture a digit was found, in its pixels. */
typedef struct {
  uint32_t top, left, height, width;
} dg_box;

/** The digits of a picture, line by line and each line from left to right. */
typedef struct {
  uint32_t count;
  uint32_t height, width; /**< of an image */
  dg_box *boxes;          /**< [count] */
  uint8_t *images;        /**< [count, height, width], 0 paper, 255 ink */
} dg_digits;

/**
 * Finds the digits of a picture: ink darker or brighter than its paper, in even or uneven light.
 * Each is cut out as MNIST's are: scaled to fit 20/28 of an image of height x width (at least 8x8),
 * its shape kept, and put with its centre of mass in the middle. A picture that is too small or
 * has no ink is an error; `name` stands for it there. Free with dg_digits_free.
 */
bool dg_digits_find(const dg_picture *picture, const char *name, uint32_t height, uint32_t width,
                    dg_digits *digits, dg_error *err);
void dg_digits_free(dg_digits *digits); /**< what is empty is allowed */

/* ---- training ----------------------------------------------------------- */

typedef struct dg_trainer dg_trainer;

/** Outcome of a pass over some samples. */
typedef struct {
  double loss;     /**< mean over the samples */
  double accuracy; /**< share of right answers */
  uint32_t correct, total;
} dg_score;

/** What a finished epoch came to. */
typedef struct {
  uint32_t epoch, epochs; /**< the first is 1 */
  dg_score train;         /**< as the steps saw it, dropout on */
  bool validated;
  dg_score validation;
  bool best;      /**< best validation so far */
  double lr;      /**< of the last step */
  double seconds; /**< training alone */
  double samples_per_second;
} dg_epoch_report;

/** Where training stands within an epoch. */
typedef struct {
  uint32_t epoch, epochs;
  uint32_t step, steps;      /**< of this epoch, done and in all */
  double samples_per_second; /**< since the epoch's start */
  double seconds_left;       /**< to the end of training, as far as known */
} dg_progress;

/** Whom a trainer tells what happens; any function may be NULL. `user` is handed on. */
typedef struct {
  void *user;
  /** A few times an epoch. false stops training: DG_ERR_INTERRUPTED. */
  bool (*progress)(void *user, const dg_progress *progress);
  /** Loss and share of right answers of every training step (from 0 over the whole run), in order.
   */
  void (*step)(void *user, uint64_t step, double loss, double accuracy);
  /** An epoch has ended. dg_trainer_test and dg_trainer_predict may be called here: they use the
     parameters as they are then, not averaged. */
  void (*epoch)(void *user, const dg_epoch_report *report);
} dg_listener;

typedef struct {
  uint32_t seed;
  bool test_only; /**< dg_trainer_train won't be called: no gradients, no training data on the
                     device */
  /** File that dg_trainer_train keeps the exact state of training in: after every epoch, and when
     it is interrupted. NULL: none. */
  const char *state;
  bool resume; /**< go on from `state`, which must have been kept of this model and data */
  dg_listener listener;
} dg_trainer_options;

/** What a state file says of the run that stopped. */
typedef struct {
  char backend[16], device[128];
  uint32_t threads; /**< or the device's compute units */
  char data[4096];  /**< where the training images were from: a folder, or "built-in digits" */
  uint32_t seed;
  uint32_t epoch, step; /**< finished epochs, and steps of the next one */
} dg_checkpoint_info;

/**
 * Reads what a state file says. Its model is that of dg_model_from_weights. A run that goes on with
 * the same model, seed and data on the same backend, device and number of threads comes to the
 * same bits as one that never stopped.
 */
bool dg_checkpoint_read(const char *path, dg_checkpoint_info *info, dg_error *err);

/**
 * Builds the model's network on the device, uploads the data and initializes the parameters from
 * the seed. Model, device and data must outlive the trainer.
 */
dg_trainer *dg_trainer_new(const dg_model *model, dg_device *device, const dg_dataset *data,
                           const dg_trainer_options *options, dg_error *err);
void dg_trainer_free(dg_trainer *trainer); /**< NULL is allowed */

/** Does training come to the bits that the key train.exact of a model asks for, which are the same
    with any number of the device's threads? Often it does without. */
bool dg_trainer_exact(const dg_trainer *trainer);
/** Number of learned parameters. */
uint64_t dg_trainer_parameter_count(const dg_trainer *trainer);
/** Numbers that the network gives for an image: one a class. */
uint32_t dg_trainer_outputs(const dg_trainer *trainer);
/** Samples used for training and kept for validation. */
uint32_t dg_trainer_train_samples(const dg_trainer *trainer);
uint32_t dg_trainer_validation_samples(const dg_trainer *trainer);

/** A learned parameter, or a running statistic. */
typedef struct {
  const char *name; /**< "conv1.weight"; belongs to the trainer */
  uint32_t rank, dim[4];
  uint64_t count; /**< numbers */
} dg_parameter;

/** Writes up to `room` of the trainer's parameters to `out`, in the layers' order, running
    statistics last; returns how many there are. */
uint32_t dg_trainer_list_parameters(const dg_trainer *trainer, dg_parameter *out, uint32_t room);
/** Copies the numbers of a parameter to `values` [count]. An unknown name is an error. */
bool dg_trainer_get_parameter(dg_trainer *trainer, const char *name, float *values, dg_error *err);

/**
 * Trains by the model's recipe, or what is left of it after a resume, and keeps the parameters
 * that it says (best or last, averaged or not). A loss, gradient or parameter that isn't finite
 * stops training with an error that names step and layer.
 */
bool dg_trainer_train(dg_trainer *trainer, dg_error *err);

/**
 * Writes the parameters as a safetensors file, with PyTorch's names and shapes, and with the
 * effective model file and the names of the data's classes in its metadata. The old file stays
 * until the new one is whole.
 */
bool dg_trainer_save(dg_trainer *trainer, const char *path, dg_error *err);

/**
 * Reads parameters from a safetensors file. One of another network is an error that names the
 * first tensor that differs. So are numbers that aren't finite and variances that are negative, of
 * the kind DG_ERR_RUNTIME: the first is named; here, in dg_predictor_new, dg_trainer_save and
 * dg_weights_convert.
 */
bool dg_trainer_load(dg_trainer *trainer, const char *path, dg_error *err);

/** Can dg_trainer_test be asked for the test images of `data` (NULL: those of the trainer's own
   data)? For a look before hours of training. */
bool dg_trainer_can_test(const dg_trainer *trainer, const dg_dataset *data, dg_error *err);

/** Tests the network on the test images of `data` (NULL: those of the trainer's own data). Classes
    of other names are an error, and so is a loss that isn't finite, which names the image. */
bool dg_trainer_test(dg_trainer *trainer, const dg_dataset *data, dg_score *score, dg_error *err);

/**
 * What the network gives for the test images of `data` (NULL: those of the trainer's own data),
 * in their order: `logits` [test samples, outputs], which are no probabilities yet; the largest of
 * an image stands for its class. Numbers that aren't finite are an error that names the image.
 */
bool dg_trainer_predict(dg_trainer *trainer, const dg_dataset *data, float *logits, dg_error *err);

/* ---- weights from and for elsewhere ------------------------------------- */
/* What follows is in a library of its own, digits-exchange: pkg-config's digits-exchange, CMake's
   digits::exchange. */

/** A tensor or layer of a weight file and what it is called in the model. */
typedef struct {
  const char *theirs;
  const char *ours; /**< empty: it is left out */
} dg_name_pair;

/** Everything may be 0 or NULL. */
typedef struct {
  const char *from;   /**< "pytorch", "hdf5", "npz", "safetensors"; NULL: by the extension */
  const char *to;     /**< "safetensors", "npz", "onnx"; NULL: by the extension */
  const char *layout; /**< whose orders the input has, "pytorch" or "keras"; NULL: by its names */
  const dg_name_pair *names;
  size_t name_count;
  void *user;
  /** Told for each tensor: what of the file (NULL: nothing) makes what of the model (NULL: nothing,
      it is left out), and why. */
  void (*mapped)(void *user, const char *theirs, const char *ours, const char *how);
} dg_convert_options;

/**
 * Reads the weights of a network from `input` and writes them to `output`: from PyTorch's .pth
 * and .pt, Keras's .h5, numpy's .npz and safetensors, to safetensors, .npz and ONNX. `model`
 * NULL: the one that the input carries. Layers of other names are mapped by order and shape;
 * where that can be done in two ways, names say another order, or something is missing or left
 * over, it is an error that names it. The libraries that a format needs may be missing in a
 * build: an error too.
 */
bool dg_weights_convert(const char *input, const char *output, const dg_model *model,
                        const dg_convert_options *options, dg_error *err);

/* ---- predicting --------------------------------------------------------- */

/** A trained network that waits for images, with all that it needs on its device. */
typedef struct dg_predictor dg_predictor;

/**
 * Builds the network of a model, for at most `batch` images at once, and reads its parameters from
 * a weight file; `weights` NULL: draws initial ones. Model and device must outlive the predictor.
 */
dg_predictor *dg_predictor_new(const dg_model *model, const char *weights, dg_device *device,
                               uint32_t batch, dg_error *err);
void dg_predictor_free(dg_predictor *predictor); /**< NULL is allowed */

/** Size of the images that it takes, and numbers that it gives for each: one a class. */
uint32_t dg_predictor_height(const dg_predictor *predictor);
uint32_t dg_predictor_width(const dg_predictor *predictor);
uint32_t dg_predictor_outputs(const dg_predictor *predictor);

/**
 * What the network gives for any number of images [count, height, width] (0 paper, 255 ink):
 * `logits` [count, outputs], as of dg_trainer_predict. Nothing is allocated or prepared any more.
 */
bool dg_predictor_run(dg_predictor *predictor, const uint8_t *images, uint32_t count, float *logits,
                      dg_error *err);

/**
 * Probabilities of the classes for `count` images, [count, outputs], from their logits: softmax
 * where the model learned by cross-entropy; where it learned by the squared error, whose best
 * answer is the probability itself, its positive part, scaled to a sum of 1. Both arrays may be
 * the same.
 */
void dg_predictor_probabilities(const dg_predictor *predictor, const float *logits, uint32_t count,
                                float *probabilities);

#endif
