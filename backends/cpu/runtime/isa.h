/**
 * The ops are compiled once for each instruction set (CMakeLists.txt lists
 * them); instruction_sets.c picks the best that the processor supports. With this header, the names
 * of symbols shared by the files of one instruction set contain its name.
 */
#ifndef DG_CPU_ISA_H
#define DG_CPU_ISA_H

#ifndef DG_ISA
#error "compile the ops with -DDG_ISA=name of the instruction set"
#endif

#define DG_ISA_JOIN(name, isa) name##_##isa
#define DG_ISA_EXPAND(name, isa) DG_ISA_JOIN(name, isa)
#define DG_ISA_NAME(name) DG_ISA_EXPAND(name, DG_ISA)

#endif
