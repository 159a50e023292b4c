/* A log, and the page that compares its runs: text that a browser takes for nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file/file.h"
#include "core/base/text.h"
#include "report/report.h"
#include "report/run_log.h"
#include "tests/fuzz/file.h"

enum { MAX_BYTES = 1 << 26 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static char folder[] = "/dev/shm/digits-fuzz-XXXXXX";

static void remove_folder(void) {
  char line[100];
  snprintf(line, sizeof line, "rm -rf %s", folder);
  if (system(line) != 0) perror(folder);
}

static void make_folder(void) {
  if (!mkdtemp(folder)) {
    perror(folder);
    abort();
  }
  atexit(remove_folder);
}

/** Nothing in a log becomes a script, or something that is no text. */
static void check_page(void) {
  char path[REPORT_PATH];
  size_t size;
  dg_error err = {0};
  report_path(folder, REPORT_PAGE, path);
  char *page = dg_file_read(path, MAX_BYTES, &size, &err);
  if (!page || strlen(page) != size || dg_utf8_fault(page) || strstr(page, "<script")) abort();
  free(page);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static bool made;
  if (!made) make_folder();
  made = true;
  const char *path = fuzz_file(bytes, size);
  dg_error err = {0};
  size_t runs = 0;
  bool ok = report_compare(folder, "<script>", &path, 1, &runs, &err);
  if (ok != (err.kind == DG_OK) || (ok && runs == 0)) {
    fprintf(stderr, "%s\n", err.message);
    abort();
  }
  if (ok) check_page();
  return 0;
}
