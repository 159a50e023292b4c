/** The parts of test_conformance.c that are not layer ops. Each ends the test on a failure. */
#ifndef DG_TESTS_CONFORMANCE_H
#define DG_TESTS_CONFORMANCE_H

#include "tests/common/rig.h"

/** Buffers, views, errors and times. */
void try_device(const rig_target *target, int number);
void try_gather(const rig_target *target, int number);
void try_loss(const rig_target *target, int number);
void try_update(const rig_target *target, int number);
void try_average(const rig_target *target, int number);
void try_accumulate(const rig_target *target, int number);

/** Copies and fills, on the device of group "device" (conformance_copy.c). */
void check_copies(rig_report *report, dg_device *device);

/* ---- what the step ops share -------------------------------------------- */

/** A step op on a device; it has a forward workspace at most. */
typedef struct {
  rig_report *report;
  dg_device *device;
  dg_op *op; /**< NULL where it could not be prepared, which is reported */
  rig_tensor workspace;
} step_rig;

step_rig step_rig_new(rig_report *report, dg_device *device, const dg_op_desc *desc,
                      uint32_t max_n);
void step_rig_free(step_rig *r);

/** Runs the op and waits for it; what it may not touch is checked. */
void step_rig_run(step_rig *r, dg_op_buffers *buffers, const dg_step *step);

/** Random integers below `below`. */
void random_words(uint32_t *x, size_t count, uint32_t below, uint32_t seed);

#endif
