/** The command line that repeats a run. */
#ifndef DG_REPEAT_H
#define DG_REPEAT_H

#include "report/markup.h"

/** Adds the words of a command line but its first, each after a space, quoted for the shell where
    they need it, with no character that dg_visible would escape. To be called before options are
   read, which takes words apart. */
void repeat_words(markup *line, int argc, char **argv);

/** Adds an option with its value in the same way. */
void repeat_option(markup *line, const char *option, const char *value);

#endif
