/** The parts of test_conformance.c that are not layer ops. Each ends the test on a failure. */
#ifndef DG_TESTS_CONFORMANCE_H
#define DG_TESTS_CONFORMANCE_H

#include "tests/rig.h"

/** Buffers, views, errors and times. */
void try_device(const rig_place *place, int number);
void try_gather(const rig_place *place, int number);
void try_loss(const rig_place *place, int number);
void try_update(const rig_place *place, int number);

#endif
