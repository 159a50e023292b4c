/** The main function of test programs with one test case. */
#ifndef DG_TESTS_SUITE_H
#define DG_TESTS_SUITE_H

#include <check.h>
#include <stdbool.h>

/** Does the backend have a device here? If not, prints that tests which need it are skipped. */
bool suite_has_backend(const char *name);

/** Makes an empty file, or a folder, from a path that ends in XXXXXX, which is replaced. It is
    removed with all its content when the program ends, whatever the test results. On failure the
    program ends. */
void suite_new_file(char *path);
void suite_new_folder(char *path);

/** Runs the case, frees it, and returns the exit status for main. */
int suite_main(const char *name, TCase *tests);

#endif
