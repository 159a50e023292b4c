/** The opcodes of a pickle that would look something up, call it or change it: they are noted. */
#ifndef DG_PICKLE_CALLS_H
#define DG_PICKLE_CALLS_H

#include "core/exchange/pytorch/pickle_machine.h"

/** GLOBAL and STACK_GLOBAL: a name, known or not. */
bool dg_machine_global(dg_machine *m, unsigned char opcode);
bool dg_machine_stack_global(dg_machine *m, unsigned char opcode);

/** REDUCE, NEWOBJ and NEWOBJ_EX: a call; one that would make a dictionary is a dictionary. */
bool dg_machine_call(dg_machine *m, unsigned char opcode);

/** BUILD: attributes, such as `_metadata` of state dicts, are skipped. */
bool dg_machine_build(dg_machine *m, unsigned char opcode);

/** BINPERSID: the id of data elsewhere in the file. */
bool dg_machine_persistent(dg_machine *m, unsigned char opcode);

#endif
