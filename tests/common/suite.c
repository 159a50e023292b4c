#include "tests/common/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/backend.h"

bool suite_has_backend(const char *name) {
  for (const dg_backend *const *b = dg_backends(); *b; b++) {
    size_t count = 0;
    if (strcmp((*b)->name, name) == 0 && (*b)->list(NULL, 0, &count, NULL) && count) return true;
  }
  printf("no device of the %s backend: skipped\n", name);
  return false;
}

int suite_main(const char *name, TCase *tests) {
  Suite *suite = suite_create(name);
  suite_add_tcase(suite, tests);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
