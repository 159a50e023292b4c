/** An op with its directions: the choice, preparation and execution of implementations. */
#ifndef DG_CPU_PREPARED_H
#define DG_CPU_PREPARED_H

#include "backends/cpu/runtime/implementation.h"

/** The parameters of preparing an op. */
typedef struct {
  const dg_op_desc *desc;
  uint32_t max_n;
  bool train, planned; /**< see dg_cpu_op */
} dg_cpu_request;

/** The implementations of an op; backward is NULL if it isn't run. */
typedef struct {
  const dg_cpu_implementation *forward, *backward;
} dg_cpu_choice;

typedef struct {
  dg_op base;
  const dg_cpu_device *device;
  dg_cpu_choice by;
  dg_cpu_op forward, backward;
  dg_op_times times;
} dg_cpu_prepared;

/** The first implementation in each list that accepts a supported description. */
dg_cpu_choice dg_cpu_choose(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n,
                            bool train);

/** Prepares a supported op; it must be freed by dg_cpu_release, also after an error. */
bool dg_cpu_prepare(dg_cpu_prepared *op, const dg_cpu_device *device, const dg_cpu_request *request,
                    dg_error *err);
void dg_cpu_release(dg_cpu_prepared *op);

/** Lets an op share the packed parameters of another one that is prepared the same way. */
void dg_cpu_share(dg_cpu_prepared *op, const dg_cpu_prepared *other);

/** Runs an op after everything that is queued, and times it if the device profiles. */
void dg_cpu_run(dg_cpu_prepared *op, bool backward, const dg_op_buffers *buffers,
                const dg_step *step);
/** Records the seconds of a run. */
void dg_cpu_note_time(dg_cpu_prepared *op, bool backward, double seconds);

#endif
