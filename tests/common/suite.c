#include "tests/common/suite.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/backend.h"

bool suite_has_backend(const char *name) {
  for (const dg_backend *const *b = dg_backends(); *b; b++) {
    dg_device_properties first;
    size_t count = 0;
    if (strcmp((*b)->name, name) == 0 && (*b)->list(&first, 1, &count, NULL) && count &&
        !*first.fault)
      return true;
  }
  printf("no device of the %s backend: skipped\n", name);
  return false;
}

/** Files and folders to remove when the process that made them ends. */
typedef struct made {
  struct made *before;
  pid_t maker;
  char path[];
} made;

static made *last_made;

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place) {
  (void)info, (void)kind, (void)place;
  remove(path);
  return 0;
}

static void remove_all_made(void) {
  enum { OPEN_FOLDERS = 16 };
  while (last_made) {
    made *m = last_made;
    last_made = m->before;
    if (m->maker == getpid()) nftw(m->path, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
    free(m);
  }
}

/** Records what was made; `ok`: whether that succeeded. */
static void note_made(const char *path, bool ok) {
  made *m = ok ? malloc(sizeof *m + strlen(path) + 1) : NULL;
  if (!m || (!last_made && atexit(remove_all_made) != 0)) {
    perror(path);
    exit(EXIT_FAILURE);
  }
  *m = (made){.before = last_made, .maker = getpid()};
  strcpy(m->path, path);
  last_made = m;
}

void suite_new_file(char *path) {
  int file = mkstemp(path);
  note_made(path, file >= 0);
  close(file);
}

void suite_new_folder(char *path) {
  note_made(path, mkdtemp(path) != NULL);
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
