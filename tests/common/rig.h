/**
 * Shared by the tests of backends: the targets to run on (every device of every backend, with every
 * kernel form), guarded tensors, and reports of differences.
 */
#ifndef DG_TESTS_RIG_H
#define DG_TESTS_RIG_H

#include "backends/backend.h"

/* ---- targets ------------------------------------------------------------ */

/** A device of a backend, and the options to open it. */
typedef struct {
  const dg_backend *backend;
  dg_open_options options; /**< `device` in them is `number` */
  char number[12];
  char label[256]; /**< for output: "opencl:0 tile (pthread-AMD EPYC)" */
} rig_target;

/**
 * Fills `targets` with up to `capacity` targets and returns how many there are: all, or those
 * selected by the environment: DIGITS_TEST_BACKEND (name), DIGITS_TEST_DEVICE (number),
 * DIGITS_TEST_FORM. Forms that a device does not support are reported on stdout and skipped. Exits
 * on an error.
 */
size_t rig_targets(rig_target *targets, size_t capacity);

/** Opens a target; ends the test with a message on failure. */
dg_device *rig_open(const rig_target *target);

/**
 * Is an op of this kind the same on another target that is also tested? CLBlast runs only linear
 * layers: all other ops of the form "clblast" are those of the device's default form.
 */
bool rig_repeats(const rig_target *target, dg_op_kind kind);

/** A group of tests: `test` runs on every target. `number` identifies the group to a test shared by
    several groups. */
typedef struct {
  const char *name;
  void (*test)(const rig_target *target, int number);
  int number;
} rig_group;

/** The main of a test program: runs the groups on all targets; returns its exit code. Each group's
   name is its tag, by which CK_INCLUDE_TAGS and CK_EXCLUDE_TAGS choose. */
int rig_main(const char *suite, const rig_group *groups, int count);

/** Is DIGITS_TEST_SMALL set: only the small cases, for slow emulators? */
bool rig_small(void);

/**
 * Does the next case belong to the part of the test that runs? DIGITS_TEST_PART=K/N: the K-th of N.
 * Call it before each case, in the same order in every part.
 */
bool rig_turn(void);

/* ---- reports ------------------------------------------------------------ */

/** The result of a test on a target. Failures are printed immediately. */
typedef struct {
  const rig_target *target;
  char what[256]; /**< the current case */
  unsigned cases, failures, unsupported;
} rig_report;

/** Records a failure of the current case. Returns false. */
__attribute__((format(printf, 2, 3))) bool rig_fail(rig_report *report, const char *format, ...);

/** Records a failure unless a call, which returned `ok`, was refused as wrong input with a message.
    Clears `err` for the next call. */
void rig_refused(rig_report *report, const char *what, bool ok, dg_error *err);

/** Ends a test: fails if the report has failures, prints what was not supported. */
void rig_conclude(const rig_report *report);

/* ---- tensors ------------------------------------------------------------ */

/**
 * A tensor on a device, inside a larger buffer whose every other byte is 0xff, as is the tensor's
 * own content before a run (as a float: NaN). The run may change only its first `used` bytes.
 */
typedef struct {
  dg_device *device;
  const char *name;
  dg_buffer *parent, *view; /**< NULL for a tensor of 0 bytes */
  size_t before, bytes, total;
} rig_tensor;

/** Ends the test if memory runs out. */
rig_tensor rig_tensor_new(dg_device *device, const char *name, size_t bytes);
void rig_tensor_free(rig_tensor *t);

/** Fills all of it with 0xff, then writes `bytes` of content (NULL: none). */
void rig_tensor_set(rig_tensor *t, const void *content, size_t bytes);

/** Reads `bytes` of content and checks that nothing around them has changed. */
bool rig_tensor_get(rig_report *report, const rig_tensor *t, void *content, size_t bytes);

/* ---- numbers ------------------------------------------------------------ */

/** Random floats, uniform in [-1, 1), from a `seed`; the same on all machines. */
void rig_random(float *x, size_t count, uint32_t seed);
double *rig_doubles(const float *x, size_t count);
/** Zeroed memory; ends the test on failure. */
void *rig_alloc(size_t count, size_t size);

/** Reports a failure unless max|got - expected| <= tolerance * max|expected|; NaN and infinity must
    be where they are expected. */
bool rig_close(rig_report *report, const char *tensor, const float *got, const double *expected,
               size_t count, double tolerance);
/** The same, with max|expected| at least `least`. */
bool rig_close_of(rig_report *report, const char *tensor, const float *got, const double *expected,
                  size_t count, double tolerance, double least);
/** Reports where the bytes of two float tensors differ. */
bool rig_same_bits(rig_report *report, const char *tensor, const float *got, const float *expected,
                   size_t count);

#endif
