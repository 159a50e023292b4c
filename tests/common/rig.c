#include "tests/common/rig.h"

#include <check.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"

enum { MAX_DEVICES = 16, MAX_TARGETS = 64, POISON = 0xff };

/* ---- targets ------------------------------------------------------------ */

/** Is the environment variable unset, or equal to this? */
static bool wanted(const char *variable, const char *value) {
  const char *set = getenv(variable);
  return !set || strcmp(set, value ? value : "default") == 0;
}

/** Adds a target if its device can be opened. */
static void add_target(rig_target *targets, size_t capacity, size_t *count,
                       const dg_backend *backend, const dg_device_properties *info,
                       const rig_target *like) {
  if (*count == capacity || !wanted("DIGITS_TEST_FORM", like->options.form)) return;
  rig_target *target = &targets[*count];
  *target = *like;
  target->backend = backend;
  target->options.device = target->number;
  snprintf(target->label, sizeof target->label, "%s:%s%s%s%s (%s)", backend->name, target->number,
           target->options.form ? " " : "", target->options.form ? target->options.form : "",
           target->options.threads ? " 3 threads" : "", info->name);
  dg_error err = {0};
  dg_device *device = backend->open(&target->options, &err);
  if (device) {
    device->calls->close(device);
    ++*count;
  } else if (err.kind == DG_ERR_UNSUPPORTED) {
    printf("skipped: %s: %s\n", target->label, err.message);
  } else {
    fprintf(stderr, "%s: %s\n", target->label, err.message);
    exit(EXIT_FAILURE);
  }
}

static void add_device(rig_target *targets, size_t capacity, size_t *count,
                       const dg_backend *backend, const dg_device_properties *info, size_t number) {
  rig_target like = {0};
  if (*info->fault) {
    printf("skipped: %s: %s\n", info->name, info->fault);
    return;
  }
  snprintf(like.number, sizeof like.number, "%zu", number);
  if (!wanted("DIGITS_TEST_DEVICE", like.number)) return;
  for (const char *const *form = backend->forms; *form; form++) {
    like.options.form = *form;
    add_target(targets, capacity, count, backend, info, &like);
  }
  if (strcmp(backend->name, "cpu") != 0) return;
  like.options.form = NULL;
  like.options.threads = 3;
  add_target(targets, capacity, count, backend, info, &like);
}

size_t rig_targets(rig_target *targets, size_t capacity) {
  size_t count = 0;
  for (const dg_backend *const *b = dg_backends(); *b; b++) {
    if (!wanted("DIGITS_TEST_BACKEND", (*b)->name)) continue;
    dg_device_properties *infos = rig_alloc(MAX_DEVICES, sizeof *infos);
    size_t devices = 0;
    dg_error err = {0};
    if (!(*b)->list(infos, MAX_DEVICES, &devices, &err)) {
      fprintf(stderr, "%s: %s\n", (*b)->name, err.message);
      exit(EXIT_FAILURE);
    }
    for (size_t d = 0; d < devices && d < MAX_DEVICES; d++)
      add_device(targets, capacity, &count, *b, &infos[d], d);
    free(infos);
  }
  return count;
}

bool rig_repeats(const rig_target *target, dg_op_kind kind) {
  const char *form = target->options.form;
  return form && strcmp(form, "clblast") == 0 && kind != DG_OP_LINEAR &&
         !getenv("DIGITS_TEST_FORM");
}

dg_device *rig_open(const rig_target *target) {
  dg_error err = {0};
  dg_device *device = target->backend->open(&target->options, &err);
  if (!device) ck_abort_msg("%s: open: %s", target->label, err.message);
  return device;
}

/** check passes only a number to a loop test; this maps it to its meaning. */
static struct {
  rig_target targets[MAX_TARGETS];
  int target_count;
  const rig_group *groups;
} suite_run;

START_TEST(group_on_target) {
  const rig_group *group = &suite_run.groups[_i / MAX_TARGETS];
  group->test(&suite_run.targets[_i % MAX_TARGETS], group->number);
}
END_TEST

int rig_main(const char *name, const rig_group *groups, int count) {
  suite_run.groups = groups;
  suite_run.target_count = (int)rig_targets(suite_run.targets, MAX_TARGETS);
  if (suite_run.target_count == 0) {
    printf("skipped: no device\n");
    return 77;
  }
  Suite *suite = suite_create(name);
  for (int g = 0; g < count; g++) {
    TCase *tcase = tcase_create(groups[g].name);
    tcase_set_tags(tcase, groups[g].name);
    tcase_add_loop_test(tcase, group_on_target, g * MAX_TARGETS,
                        g * MAX_TARGETS + suite_run.target_count);
    suite_add_tcase(suite, tcase);
  }
  SRunner *runner = srunner_create(suite);
  srunner_set_fork_status(runner, CK_NOFORK); /* threads and drivers don't survive a fork */
  srunner_run_all(runner, CK_ENV);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

bool rig_small(void) {
  return getenv("DIGITS_TEST_SMALL") != NULL;
}

bool rig_turn(void) {
  static unsigned asked;
  const char *set = getenv("DIGITS_TEST_PART");
  unsigned part, parts;
  if (!set) return true;
  if (sscanf(set, "%u/%u", &part, &parts) != 2 || part < 1 || part > parts)
    ck_abort_msg("DIGITS_TEST_PART=%s is no K/N", set);
  return asked++ % parts == part - 1;
}

/* ---- reports ------------------------------------------------------------ */

bool rig_fail(rig_report *report, const char *format, ...) {
  enum { SHOWN = 40 };
  if (report->failures++ >= SHOWN) return false;
  printf("%s: %s: ", report->target->label, report->what);
  va_list args;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  printf("\n");
  fflush(stdout);
  return false;
}

void rig_refused(rig_report *report, const char *what, bool ok, dg_error *err) {
  if (ok)
    rig_fail(report, "%s was not refused", what);
  else if (err->kind != DG_ERR_INPUT || !err->message[0])
    rig_fail(report, "%s: error %d, \"%s\"", what, err->kind, err->message);
  *err = (dg_error){0};
}

void rig_conclude(const rig_report *report) {
  if (report->unsupported)
    printf("%s: %u of %u cases ran without something that can't be fused there\n",
           report->target->label, report->unsupported, report->cases);
  if (report->failures)
    ck_abort_msg("%s: %u failures in %u cases (see above)", report->target->label, report->failures,
                 report->cases);
}

/* ---- tensors ------------------------------------------------------------ */

rig_tensor rig_tensor_new(dg_device *device, const char *name, size_t bytes) {
  size_t alignment = device->info.alignment;
  rig_tensor t = {device, name, NULL, NULL, alignment, bytes, bytes + 2 * alignment};
  if (!bytes) return t;
  dg_error err = {0};
  t.parent = device->calls->buffer_new(device, t.total, &err);
  if (t.parent) t.view = device->calls->buffer_view(t.parent, t.before, bytes, &err);
  if (!t.view) ck_abort_msg("%s of %zu bytes: %s", name, bytes, err.message);
  return t;
}

void rig_tensor_free(rig_tensor *t) {
  t->device->calls->buffer_free(t->view);
  t->device->calls->buffer_free(t->parent);
}

void rig_tensor_set(rig_tensor *t, const void *content, size_t bytes) {
  if (!t->view) return;
  dg_error err = {0};
  unsigned char *all = rig_alloc(t->total, 1);
  memset(all, POISON, t->total);
  bool ok = t->device->calls->write(t->parent, 0, all, t->total, &err);
  free(all);
  if (ok && content) ok = t->device->calls->write(t->view, 0, content, bytes, &err);
  if (!ok) ck_abort_msg("%s: write: %s", t->name, err.message);
}

bool rig_tensor_get(rig_report *report, const rig_tensor *t, void *content, size_t bytes) {
  if (!t->view) return true;
  dg_error err = {0};
  unsigned char *all = rig_alloc(t->total, 1);
  if (!t->device->calls->read(t->parent, 0, all, t->total, &err))
    ck_abort_msg("%s: read: %s", t->name, err.message);
  if (content) memcpy(content, all + t->before, bytes);
  bool intact = true;
  for (size_t i = 0; i < t->total && intact; i++) {
    if (i == t->before) i += bytes;
    if (i < t->total && all[i] != POISON)
      intact = rig_fail(report, "%s: written at byte %ld, outside its %zu bytes", t->name,
                        (long)i - (long)t->before, bytes);
  }
  free(all);
  return intact;
}

/* ---- numbers ------------------------------------------------------------ */

void *rig_alloc(size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size);
  if (!memory) {
    fprintf(stderr, "out of memory\n");
    exit(EXIT_FAILURE);
  }
  return memory;
}

void rig_random(float *x, size_t count, uint32_t seed) {
  dg_random random = dg_random_start(seed, 0, 0, 0);
  for (size_t i = 0; i < count; i++) x[i] = 2 * dg_random_uniform(&random) - 1;
}

double *rig_doubles(const float *x, size_t count) {
  double *y = rig_alloc(count, sizeof *y);
  for (size_t i = 0; i < count; i++) y[i] = x[i];
  return y;
}

/** Distance of `got` from `expected`; infinite if they differ and one isn't finite. */
static double distance(float got, double expected) {
  if (isfinite(got) && isfinite(expected)) return fabs(got - expected);
  bool same = isnan(expected) ? isnan(got) : got == expected;
  return same ? 0 : INFINITY;
}

bool rig_close(rig_report *report, const char *tensor, const float *got, const double *expected,
               size_t count, double tolerance) {
  return rig_close_of(report, tensor, got, expected, count, tolerance, 0);
}

bool rig_close_of(rig_report *report, const char *tensor, const float *got, const double *expected,
                  size_t count, double tolerance, double least) {
  double largest = least, worst = 0;
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    if (isfinite(expected[i])) largest = fmax(largest, fabs(expected[i]));
    double d = distance(got[i], expected[i]);
    if (d > worst) worst = d, at = i;
  }
  if (worst <= tolerance * largest) return true;
  return rig_fail(report,
                  "%s[%zu] of %zu: got %.9g, expected %.9g (largest %.3g, off by %.2g of it)",
                  tensor, at, count, got[at], expected[at], largest, worst / largest);
}

bool rig_same_bits(rig_report *report, const char *tensor, const float *got, const float *expected,
                   size_t count) {
  for (size_t i = 0; i < count; i++)
    if (memcmp(&got[i], &expected[i], sizeof *got) != 0)
      return rig_fail(report, "%s[%zu] of %zu: the second run gave %.9g, the first %.9g", tensor, i,
                      count, got[i], expected[i]);
  return true;
}
