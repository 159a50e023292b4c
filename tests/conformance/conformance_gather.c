/* Conformance of gather, with and without augmentation. */
#include <stdio.h>
#include <stdlib.h>

#include "oracle/oracle.h"
#include "tests/conformance/conformance.h"

/** Images in the data set. */
enum { ALL = 50 };

/** Images, labels and an order of them, on the host and on a device. */
typedef struct {
  uint8_t *images, labels[ALL];
  uint32_t order[2 * ALL];
  rig_tensor on_device[3];
} sources;

static sources sources_new(dg_device *device, const dg_gather_desc *d) {
  size_t bytes = ALL * (size_t)d->height * d->width;
  sources s = {.images = rig_alloc(bytes, 1)};
  uint32_t *random = rig_alloc(bytes, sizeof *random);
  random_words(random, bytes, 256, d->width);
  for (size_t i = 0; i < bytes; i++) s.images[i] = (uint8_t)random[i];
  free(random);
  for (int i = 0; i < ALL; i++) s.labels[i] = (uint8_t)(i * 37);
  random_words(s.order, 2 * ALL, ALL, d->width);
  s.on_device[0] = rig_tensor_new(device, "images", bytes);
  s.on_device[1] = rig_tensor_new(device, "labels", sizeof s.labels);
  s.on_device[2] = rig_tensor_new(device, "order", sizeof s.order);
  rig_tensor_set(&s.on_device[0], s.images, bytes);
  rig_tensor_set(&s.on_device[1], s.labels, sizeof s.labels);
  rig_tensor_set(&s.on_device[2], s.order, sizeof s.order);
  return s;
}

static void sources_free(rig_report *report, sources *s) {
  rig_tensor_get(report, &s->on_device[0], s->images, s->on_device[0].bytes);
  rig_tensor_get(report, &s->on_device[1], s->labels, sizeof s->labels);
  rig_tensor_get(report, &s->on_device[2], s->order, sizeof s->order);
  for (int i = 0; i < 3; i++) rig_tensor_free(&s->on_device[i]);
  free(s->images);
}

static bool augments(const dg_augment *a) {
  return a->rotate != 0 || a->shift != 0 || a->scale != 0 || a->shear != 0;
}

/**
 * How near the numbers of a step must be. A warped image is read at places whose rounding errors
 * multiply with what neighbouring pixels differ by; that is all they do, since bilinear reading is
 * continuous: a place that rounds to the other side of a pixel's border reads almost the same.
 */
static double tolerance_of(const dg_gather_desc *d, const dg_step *step) {
  return step->train && augments(&d->augment) ? 1e-4 : 1e-6;
}

/** Runs one step, with labels or without, and compares it with the oracle. */
static void try_gather_step(step_rig *r, const dg_gather_desc *d, const sources *s, uint32_t max_n,
                            const dg_step *step, bool labels) {
  size_t pixels = (size_t)d->height * d->width, count = step->n * pixels;
  rig_tensor x = rig_tensor_new(r->device, "x", max_n * pixels * sizeof(float));
  rig_tensor x_labels = rig_tensor_new(r->device, "x labels", max_n * sizeof(uint32_t));
  rig_tensor_set(&x, NULL, 0);
  rig_tensor_set(&x_labels, NULL, 0);
  dg_op_buffers b = {.in = {s->on_device[0].view, NULL, s->on_device[2].view}, .out = {x.view}};
  if (labels) b.in[1] = s->on_device[1].view, b.out[1] = x_labels.view;
  step_rig_run(r, &b, step);

  float *got = rig_alloc(count, sizeof *got);
  double *expected = rig_alloc(count, sizeof *expected);
  uint32_t *got_labels = rig_alloc(step->n, sizeof *got_labels);
  uint32_t *expected_labels = rig_alloc(step->n, sizeof *expected_labels);
  oracle_gather(d, s->images, s->labels, s->order, step, expected, expected_labels);
  rig_tensor_get(r->report, &x, got, count * sizeof *got);
  rig_tensor_get(r->report, &x_labels, got_labels, labels ? step->n * sizeof *got_labels : 0);
  rig_close(r->report, "x", got, expected, count, tolerance_of(d, step));
  for (uint32_t i = 0; labels && i < step->n; i++)
    if (got_labels[i] != expected_labels[i])
      rig_fail(r->report, "label %u of %u: got %u, expected %u", i, step->n, got_labels[i],
               expected_labels[i]);
  rig_tensor_free(&x), rig_tensor_free(&x_labels);
  free(got), free(expected), free(got_labels), free(expected_labels);
}

static void try_gather_case(rig_report *report, dg_device *device, const dg_gather_desc *d,
                            uint32_t max_n) {
  const dg_augment *a = &d->augment;
  snprintf(report->what, sizeof report->what,
           "gather of %ux%u, mean %g, std %g, rotate %g, shift %g, scale %g, shear %g, n up to %u",
           d->height, d->width, d->mean, d->std, a->rotate, a->shift, a->scale, a->shear, max_n);
  dg_op_desc desc = {.kind = DG_OP_GATHER, .gather = *d};
  step_rig r = step_rig_new(report, device, &desc, max_n);
  sources s = sources_new(device, d);
  for (uint32_t n = 1; r.op && n <= max_n; n++) {
    if (rig_small() && n > 3 && n < max_n) continue;
    dg_step step = {.n = n,
                    .train = n % 4 != 3,
                    .seed = 7 * n,
                    .step = 1000 * (n % 3),
                    .batch_index = n % 2 ? 5 : 0,
                    .first = 2 * ALL - n - n % 3 * 5};
    try_gather_step(&r, d, &s, max_n, &step, true);
    if (n == 1 || n == max_n) try_gather_step(&r, d, &s, max_n, &step, false);
  }
  sources_free(report, &s);
  step_rig_free(&r);
}

void try_gather(const rig_target *target, int number) {
  if (!rig_turn() || rig_repeats(target, DG_OP_GATHER)) return;
  (void)number;
  static const struct {
    dg_gather_desc d;
    uint32_t max_n;
  } cases[] = {{{1, 1, 1, .mean = 0, .std = 1, .augment = {0, 0, 0, 0}}, 3},
               {{1, 1, 17, .mean = 0.5f, .std = 0.5f, .augment = {0, 0, 0, 0}}, 5},
               {{1, 3, 11, .mean = 0.1307f, .std = 0.3081f, .augment = {0, 0, 0, 0}}, 20},
               {{1, 7, 5, .mean = 0, .std = 1, .augment = {0.35f, 0.2f, 0.1f, 0.2f}}, 5},
               {{1, 28, 28, .mean = 0.5f, .std = 0.5f, .augment = {0, 0, 0, 0}}, 7},
               {{1, 9, 7, .mean = -0.25f, .std = 2, .augment = {0, 0, 0, 0}}, 9},
               {{1, 28, 28, .mean = 0, .std = 1, .augment = {0, 0, 0, 0}}, 33},
               {{1, 28, 28, .mean = 0, .std = 1, .augment = {0.35f, 0, 0, 0}}, 9},
               {{1, 28, 28, .mean = 0.5f, .std = 0.5f, .augment = {0, 0.2f, 0, 0}}, 9},
               {{1, 28, 28, .mean = 0, .std = 1, .augment = {0, 0, 0.3f, 0}}, 9},
               {{1, 28, 28, .mean = 0, .std = 1, .augment = {0, 0, 0, 0.5f}}, 9},
               {{1, 28, 28, .mean = 0.5f, .std = 0.5f, .augment = {0.35f, 0.2f, 0.1f, 0.3f}}, 33},
               {{1, 1, 17, .mean = 0, .std = 1, .augment = {0.2f, 0.3f, 0, 0}}, 5},
               {{1, 17, 1, .mean = 0, .std = 1, .augment = {0, 0.3f, 0.2f, 0.1f}}, 5},
               {{1, 1, 1, .mean = 0, .std = 1, .augment = {1, 0.5f, 0.5f, 0}}, 3},
               {{1, 31, 12, .mean = 0.2f, .std = 0.7f, .augment = {3.15f, 0.1f, 0.5f, 0.7f}}, 12},
               {{1, 12, 35, .mean = 0, .std = 1, .augment = {1.5f, 0.9f, 0.2f, 0}}, 12}};
  rig_report report = {.target = target};
  dg_device *device = rig_open(target);
  for (size_t i = 0; i < (rig_small() ? 4 : sizeof cases / sizeof *cases); i++)
    try_gather_case(&report, device, &cases[i].d, cases[i].max_n);
  device->calls->close(device);
  rig_conclude(&report);
}
