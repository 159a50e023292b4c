/** Runs the tests of a program that has one case of them. */
#ifndef DG_TESTS_SUITE_H
#define DG_TESTS_SUITE_H

#include <check.h>

/** Runs the case and returns what main returns. The case is freed. */
int suite_main(const char *name, TCase *tests);

#endif
