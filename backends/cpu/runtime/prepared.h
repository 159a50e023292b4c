/** An op with its directions: how implementations are chosen, prepared and run. */
#ifndef DG_CPU_PREPARED_H
#define DG_CPU_PREPARED_H

#include "backends/cpu/runtime/implementation.h"

/** What an op is prepared for. */
typedef struct {
  const dg_op_desc *desc;
  uint32_t max_n;
  bool train, planned; /**< see dg_cpu_op */
} dg_cpu_request;

/** The implementations of an op; backward is NULL where it is not run. */
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

/** Of a description that is supported, the first of each list that is for it. */
dg_cpu_choice dg_cpu_choose(const dg_cpu_device *device, const dg_op_desc *desc, uint32_t max_n,
                            bool train);

/** Prepares a supported op; what of it was made is freed by dg_cpu_release, also after an error. */
bool dg_cpu_prepare(dg_cpu_prepared *op, const dg_cpu_device *device, const dg_cpu_request *request,
                    dg_error *err);
void dg_cpu_release(dg_cpu_prepared *op);

/** Lets an op use the packed parameters of another one that is prepared alike. */
void dg_cpu_share(dg_cpu_prepared *op, const dg_cpu_prepared *other);

/** Runs an op after what is queued, and times it on a device that wants it. */
void dg_cpu_run(dg_cpu_prepared *op, bool backward, const dg_op_buffers *buffers,
                const dg_step *step);
/** Notes that a run took so many seconds. */
void dg_cpu_note_time(dg_cpu_prepared *op, bool backward, double seconds);

#endif
