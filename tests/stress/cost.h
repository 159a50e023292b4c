/** What a command costs at most, whatever a small file holds: two seconds and 512 MB. */
#ifndef DG_TESTS_COST_H
#define DG_TESTS_COST_H

/**
 * Runs a command in the shell's folder; checks its exit status, that it printed `says`, its
 * processor time and its memory. Under the sanitizers it has twenty times the time, and any memory.
 */
void cost_check(const char *name, const char *command, int status, const char *says);

#endif
