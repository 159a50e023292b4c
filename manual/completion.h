/** Tables for the completion of command lines: what each program takes, for bash and for zsh. What
    the words of the tables stand for is said by digits.bash and digits.zsh. */
#ifndef DG_MANUAL_COMPLETION_H
#define DG_MANUAL_COMPLETION_H

#include "manual/help.h"

/** Adds the table of a program as branches of the functions' `case`s. */
bool completion_bash(markup *out, const help *h, const char *program, dg_error *err);
bool completion_zsh(markup *out, const help *h, const char *program, dg_error *err);

#endif
