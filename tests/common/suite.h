/** Runs the tests of a program that has one case of them. */
#ifndef DG_TESTS_SUITE_H
#define DG_TESTS_SUITE_H

#include <check.h>
#include <stdbool.h>

/** Has the backend a device here? If not, says that what needs it is skipped. */
bool suite_has_backend(const char *name);

/** Makes an empty file, or a folder, of a path that ends in XXXXXX, which are replaced. It goes,
   with all in it, when the program ends, however its tests did. If it can't be made, the program
   ends. */
void suite_new_file(char *path);
void suite_new_folder(char *path);

/** Runs the case and returns what main returns. The case is freed. */
int suite_main(const char *name, TCase *tests);

#endif
