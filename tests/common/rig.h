/**
 * What the tests of backends share: the targets to run on (every device of every
 * backend, in every kernel form), guarded tensors, and reports of what differs.
 */
#ifndef DG_TESTS_RIG_H
#define DG_TESTS_RIG_H

#include "backends/backend.h"

/* ---- targets ------------------------------------------------------------ */

/** A device of a backend, and how it is opened. */
typedef struct {
  const dg_backend *backend;
  dg_open_options options; /**< of which `device` is `number` */
  char number[12];
  char label[256]; /**< for people: "opencl:0 tile (pthread-AMD EPYC)" */
} rig_target;

/**
 * Fills `targets` with up to `capacity` targets and returns how many there are: all, or those that
 * the environment leaves: DIGITS_TEST_BACKEND (name), DIGITS_TEST_DEVICE (number),
 * DIGITS_TEST_FORM. Forms that a device does not support are said on stdout and left out. Exits on
 * an error.
 */
size_t rig_targets(rig_target *targets, size_t capacity);

/** Opens a target; ends the test with a message where that fails. */
dg_device *rig_open(const rig_target *target);

/**
 * Is an op of this kind on one target what it is on another one, which is tried, too? CLBlast runs
 * linear layers alone: all else of the form "clblast" is that of the device's usual form.
 */
bool rig_repeats(const rig_target *target, dg_op_kind kind);

/** A group of tests: `test` runs on every target. `number` says which, to a test of many groups. */
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
 * Is what comes next in the part of the test that runs? DIGITS_TEST_PART=K/N: the K-th of N. To be
 * asked before each case, in the same order in every part.
 */
bool rig_turn(void);

/* ---- reports ------------------------------------------------------------ */

/** What a test found on a target. Failures are printed as they come. */
typedef struct {
  const rig_target *target;
  char what[256]; /**< the case that runs */
  unsigned cases, failures, unsupported;
} rig_report;

/** Notes a failure of the case that runs. Returns false. */
__attribute__((format(printf, 2, 3))) bool rig_fail(rig_report *report, const char *format, ...);

/** Notes a failure unless a call, which returned `ok`, was refused as wrong input with an error of
    its own: `err` is cleared for the next one. */
void rig_refused(rig_report *report, const char *what, bool ok, dg_error *err);

/** Ends a test: fails where the report has failures, says what was not supported. */
void rig_conclude(const rig_report *report);

/* ---- tensors ------------------------------------------------------------ */

/**
 * A tensor on a device, inside a larger buffer whose every other byte is 0xff, as is the tensor's
 * own content before a run (as a float: NaN). Its `used` first bytes are what the run may touch.
 */
typedef struct {
  dg_device *device;
  const char *name;
  dg_buffer *parent, *view; /**< NULL for a tensor of 0 bytes */
  size_t before, bytes, total;
} rig_tensor;

/** Ends the test where memory fails. */
rig_tensor rig_tensor_new(dg_device *device, const char *name, size_t bytes);
void rig_tensor_free(rig_tensor *t);

/** Fills all of it with 0xff, then writes `bytes` of content (NULL: none). */
void rig_tensor_set(rig_tensor *t, const void *content, size_t bytes);

/** Reads `bytes` of content and checks that nothing beside them has changed. */
bool rig_tensor_get(rig_report *report, const rig_tensor *t, void *content, size_t bytes);

/* ---- numbers ------------------------------------------------------------ */

/** Random floats, uniform in [-1, 1), for a `seed`; the same everywhere. */
void rig_random(float *x, size_t count, uint32_t seed);
double *rig_doubles(const float *x, size_t count);
/** Zeroed memory; ends the test where there is none. */
void *rig_alloc(size_t count, size_t size);

/** Reports where max|got - expected| <= tolerance * max|expected| doesn't hold; NaN and infinity
    must be where they are expected. */
bool rig_close(rig_report *report, const char *tensor, const float *got, const double *expected,
               size_t count, double tolerance);
/** The same with a largest of at least `least`. */
bool rig_close_of(rig_report *report, const char *tensor, const float *got, const double *expected,
                  size_t count, double tolerance, double least);
/** Reports where the bytes of two float tensors differ. */
bool rig_same_bits(rig_report *report, const char *tensor, const float *got, const float *expected,
                   size_t count);

#endif
