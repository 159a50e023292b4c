/** The command line that repeats a run. */
#ifndef DG_REPEAT_H
#define DG_REPEAT_H

#include "report/markup.h"

/** Adds the words of a command line except the first, each after a space, quoted for the shell if
    needed, without characters that dg_visible would escape. Call it before reading the options,
    which splits words in place. */
void repeat_words(markup *line, int argc, char **argv);

/** Adds an option with its value in the same way. */
void repeat_option(markup *line, const char *option, const char *value);

#endif
