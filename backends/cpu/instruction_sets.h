/** The instruction sets that the ops were compiled for (CMakeLists.txt). */
#ifndef DG_CPU_INSTRUCTION_SETS_H
#define DG_CPU_INSTRUCTION_SETS_H

#include "backends/cpu/runtime/device.h"

/** Their names, best first, ended by NULL. */
extern const char *const dg_cpu_instruction_sets[];

/** The ops of the instruction set `wanted`, or (NULL) of the best one that this processor supports;
    NULL with an error if there is none. */
const dg_cpu_ops *dg_cpu_ops_for(const char *wanted, dg_error *err);

#endif
