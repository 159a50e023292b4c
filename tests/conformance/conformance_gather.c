/* Conformance of gather: bytes and floats, channels first and last, labels and targets, and every
   change of a training step. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "oracle/oracle.h"
#include "tests/conformance/conformance.h"

/** Samples in the data set. */
enum { ALL = 50 };

/* ---- the set ------------------------------------------------------------- */

enum { INPUTS = 5 };

/** A set, labels or targets, an order, norms and lengths, on the host and on a device. */
typedef struct {
  oracle_gather_inputs host;
  void *content[INPUTS]; /**< of in[0] to in[4] */
  rig_tensor on_device[INPUTS];
} sources;

static size_t sample_count(const dg_gather_desc *d) {
  return (size_t)d->channels * d->height * d->width;
}

static float *norms_new(uint32_t channels) {
  float *norms = rig_alloc(2 * (size_t)channels, sizeof *norms);
  for (uint32_t c = 0; c < channels; c++) {
    norms[c] = 0.1f + 0.07f * (float)(c % 9);
    norms[channels + c] = 1 / (0.2f + 0.05f * (float)(c % 7));
  }
  return norms;
}

/** `count` numbers: all bytes, or floats from -1 to 1. */
static void *numbers_new(dg_numbers_type type, size_t count, uint32_t seed) {
  float *floats = rig_alloc(count, sizeof *floats);
  rig_random(floats, count, seed);
  if (type == DG_NUMBERS_FLOATS) return floats;
  uint8_t *bytes = rig_alloc(count, 1);
  for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)((floats[i] + 1) * 127.9f);
  free(floats);
  return bytes;
}

/** A length for each sample; what floats have beyond it must not matter. */
static uint32_t *lengths_new(const dg_gather_desc *d, void *set) {
  uint32_t *lengths = rig_alloc(ALL, sizeof *lengths);
  random_words(lengths, ALL, d->width, 9);
  for (size_t s = 0; s < ALL; s++) lengths[s]++;
  for (size_t s = 0; d->type == DG_NUMBERS_FLOATS && s < ALL; s++)
    for (size_t i = lengths[s] * (size_t)d->channels; i < sample_count(d); i++)
      ((float *)set)[s * sample_count(d) + i] = NAN;
  return lengths;
}

static size_t size_of(dg_numbers_type type) {
  return type == DG_NUMBERS_BYTES ? 1 : sizeof(float);
}

static sources sources_new(dg_device *device, const dg_gather_desc *d) {
  static const char *const names[] = {"set", "targets", "order", "norms", "lengths"};
  dg_numbers_type wanted = d->targets ? d->targets_type : DG_NUMBERS_BYTES;
  size_t set = ALL * sample_count(d), targets = ALL * (size_t)(d->targets ? d->targets : 1);
  uint32_t *order = rig_alloc(2 * (size_t)ALL, sizeof *order);
  random_words(order, 2 * ALL, ALL, d->width);
  sources s = {.content = {numbers_new(d->type, set, d->width), numbers_new(wanted, targets, 3),
                           order, d->per_channel ? norms_new(d->channels) : NULL}};
  if (d->lengths) s.content[4] = lengths_new(d, s.content[0]);
  const size_t bytes[] = {set * size_of(d->type), targets * size_of(wanted),
                          2 * ALL * sizeof *order,
                          d->per_channel ? 2 * d->channels * sizeof(float) : 0,
                          d->lengths ? ALL * sizeof(uint32_t) : 0};
  s.host = (oracle_gather_inputs){s.content[0], s.content[1], order, s.content[3], s.content[4]};
  for (int i = 0; i < INPUTS; i++) {
    s.on_device[i] = rig_tensor_new(device, names[i], bytes[i]);
    if (bytes[i]) rig_tensor_set(&s.on_device[i], s.content[i], bytes[i]);
  }
  return s;
}

static void sources_free(rig_report *report, sources *s) {
  for (int i = 0; i < INPUTS; i++) {
    if (s->content[i])
      rig_tensor_get(report, &s->on_device[i], s->content[i], s->on_device[i].bytes);
    rig_tensor_free(&s->on_device[i]);
    free(s->content[i]);
  }
}

/* ---- a step -------------------------------------------------------------- */

/**
 * How near the numbers of a step must be. A sample that is warped by other than whole elements is
 * read at places whose rounding errors multiply with what neighbours differ by; that is all they
 * do, since bilinear reading is continuous: a place that rounds to the other side of a border reads
 * almost the same.
 */
static double tolerance_of(const dg_gather_desc *d, const dg_step *step) {
  const dg_augment *a = &d->augment;
  bool interpolates = a->rotate != 0 || a->shift != 0 || a->scale != 0 || a->shear != 0;
  bool changes = interpolates || a->gain != 0 || a->noise != 0 || dg_augment_recolours(a);
  if (step->train && interpolates) return 1e-4;
  bool plain = d->type == DG_NUMBERS_BYTES && !d->per_channel && !(step->train && changes);
  return plain ? 1e-6 : 1e-5;
}

/** What a step gives. */
typedef struct {
  double *x, *targets;
  uint32_t *labels;
} expectation;

static void check_labels(rig_report *report, const rig_tensor *t, const uint32_t *expected,
                         uint32_t n) {
  uint32_t *got = rig_alloc(n, sizeof *got);
  rig_tensor_get(report, t, got, n * sizeof *got);
  for (uint32_t i = 0; i < n; i++)
    if (got[i] != expected[i])
      rig_fail(report, "label %u of %u: got %u, expected %u", i, n, got[i], expected[i]);
  free(got);
}

static void check_numbers(rig_report *report, const rig_tensor *t, const double *expected,
                          size_t count, double tolerance) {
  float *got = rig_alloc(count, sizeof *got);
  rig_tensor_get(report, t, got, count * sizeof *got);
  rig_close(report, t->name, got, expected, count, tolerance);
  free(got);
}

/** Are the lengths those of the batch's samples? */
static void check_lengths(rig_report *report, const rig_tensor *t, const sources *s,
                          const dg_step *step) {
  float *got = rig_alloc(step->n, sizeof *got);
  rig_tensor_get(report, t, got, step->n * sizeof *got);
  for (uint32_t i = 0; i < step->n; i++) {
    const uint32_t expected = s->host.lengths[s->host.order[step->first + i]];
    if (got[i] != (float)expected)
      rig_fail(report, "length %u of %u: got %g, expected %u", i, step->n, (double)got[i],
               expected);
  }
  free(got);
}

/** Runs one step, with labels or targets or without, and compares it with the oracle. */
static void try_gather_step(step_rig *r, const dg_gather_desc *d, const sources *s, uint32_t max_n,
                            const dg_step *step, bool wanted) {
  size_t count = step->n * sample_count(d), each = d->targets ? d->targets : 1;
  rig_tensor x = rig_tensor_new(r->device, "x", max_n * sample_count(d) * sizeof(float));
  rig_tensor targets = rig_tensor_new(r->device, "targets", max_n * each * sizeof(float));
  rig_tensor lengths = rig_tensor_new(r->device, "lengths", d->lengths * max_n * sizeof(float));
  rig_tensor_set(&x, NULL, 0);
  rig_tensor_set(&targets, NULL, 0);
  rig_tensor_set(&lengths, NULL, 0);
  dg_op_buffers b = {.in = {s->on_device[0].view, NULL, s->on_device[2].view, s->on_device[3].view,
                            s->on_device[4].view},
                     .out = {x.view, NULL, lengths.view}};
  if (wanted) b.in[1] = s->on_device[1].view, b.out[1] = targets.view;
  step_rig_run(r, &b, step);

  expectation e = {.x = rig_alloc(count, sizeof *e.x),
                   .targets = rig_alloc(step->n * each, sizeof *e.targets),
                   .labels = rig_alloc(step->n, sizeof *e.labels)};
  oracle_gather(d, &s->host, step, e.x, e.labels, e.targets);
  check_numbers(r->report, &x, e.x, count, tolerance_of(d, step));
  if (!wanted)
    rig_tensor_get(r->report, &targets, NULL, 0);
  else if (d->targets)
    check_numbers(r->report, &targets, e.targets, step->n * each, 0);
  else
    check_labels(r->report, &targets, e.labels, step->n);
  if (d->lengths) check_lengths(r->report, &lengths, s, step);
  rig_tensor_free(&x), rig_tensor_free(&targets), rig_tensor_free(&lengths);
  free(e.x), free(e.targets), free(e.labels);
}

static void name_case(rig_report *report, const dg_gather_desc *d, uint32_t max_n) {
  const dg_augment *a = &d->augment;
  char text[600];
  snprintf(text, sizeof text,
           "gather %u %ux%u%s%s %s, %u targets, mean %g, std %g%s, rotate %g, shift %g, scale %g, "
           "shear %g, flip %g, crop %u, brightness %g, contrast %g, gain %g, noise %g, cutout %u, "
           "n %u",
           d->channels, d->height, d->width, d->channels_last ? " last" : "",
           d->lengths ? " with lengths" : "", d->type == DG_NUMBERS_BYTES ? "bytes" : "floats",
           d->targets, d->mean, d->std, d->per_channel ? ", norms" : "", a->rotate, a->shift,
           a->scale, a->shear, a->flip, a->crop, a->brightness, a->contrast, a->gain, a->noise,
           a->cutout, max_n);
  snprintf(report->what, sizeof report->what, "%.255s", text);
}

static void try_gather_case(rig_report *report, dg_device *device, const dg_gather_desc *d,
                            uint32_t max_n) {
  name_case(report, d, max_n);
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

/* ---- the cases ----------------------------------------------------------- */

/** Images of bytes, many of them in a batch. */
static void try_images(rig_report *report, dg_device *device) {
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
  for (size_t i = 0; i < (rig_small() ? 4 : sizeof cases / sizeof *cases); i++)
    try_gather_case(report, device, &cases[i].d, cases[i].max_n);
}

/** Images, sequences (height 1) and rows of tables (1 x 1). */
static const struct {
  uint32_t channels, height, width;
  bool last;
} shapes[] = {{3, 32, 32, false}, {3, 32, 32, true}, {2, 7, 5, false},  {7, 5, 9, true},
              {7, 3, 4, false},   {1, 28, 28, true}, {3, 1, 128, true}, {2, 1, 33, false},
              {17, 2, 3, true},   {1, 1, 1, false},  {13, 1, 1, true},  {100, 1, 1, false},
              {3, 9, 1, true},    {1, 70, 3, false}, {16, 3, 3, true}};

/** Each change alone, then all together; the last for bytes only. */
static const dg_augment changes[] = {
    {0},
    {.shift = 0.2f},
    {.flip = 0.5f},
    {.crop = 3},
    {.flip = 1, .crop = 40},
    {.gain = 0.5f},
    {.noise = 0.3f},
    {.cutout = 1},
    {.cutout = 5},
    {.cutout = 4001},
    {.rotate = 0.35f,
     .shift = 0.1f,
     .scale = 0.2f,
     .shear = 0.2f,
     .flip = 0.3f,
     .crop = 2,
     .gain = 0.1f,
     .noise = 0.05f,
     .cutout = 3},
    {.brightness = 0.4f},
    {.contrast = 0.9f},
    {.rotate = 0.35f,
     .shift = 0.1f,
     .scale = 0.2f,
     .shear = 0.2f,
     .flip = 0.3f,
     .crop = 2,
     .brightness = 0.2f,
     .contrast = 0.3f,
     .gain = 0.1f,
     .noise = 0.05f,
     .cutout = 3},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, CHANGES = sizeof changes / sizeof *changes };

/** Case `i` of a shape with a change: of the four combinations of types and norms, and targets in
    turn. */
static dg_gather_desc desc_of(size_t shape, size_t change, size_t i) {
  static const uint32_t targets[] = {0, 1, 5, 20, 0, 130};
  return (dg_gather_desc){.channels = shapes[shape].channels,
                          .height = shapes[shape].height,
                          .width = shapes[shape].width,
                          .channels_last = shapes[shape].last,
                          .type = i % 2 ? DG_NUMBERS_FLOATS : DG_NUMBERS_BYTES,
                          .targets = targets[(shape + change + i) % 6],
                          .targets_type = change % 2 ? DG_NUMBERS_FLOATS : DG_NUMBERS_BYTES,
                          .mean = 0.3f,
                          .std = 0.7f,
                          .per_channel = i / 2,
                          .augment = changes[change]};
}

static void try_samples(rig_report *report, dg_device *device) {
  for (size_t shape = 0, number = 0; shape < SHAPES; shape++)
    for (size_t change = 0; change < CHANGES; change++)
      for (size_t i = 0; i < 4; i++) {
        const dg_gather_desc d = desc_of(shape, change, i);
        if (dg_augment_recolours(&d.augment) && d.type == DG_NUMBERS_FLOATS) continue;
        if (rig_small() && (number++ % 23 || sample_count(&d) > 400)) continue;
        try_gather_case(report, device, &d, change % 3 + 2);
      }
}

/** Sequences of unequal length, with each change. */
static void try_sequences(rig_report *report, dg_device *device) {
  static const struct {
    uint32_t channels, steps;
  } sequences[] = {{3, 128}, {1, 33}, {17, 5}, {2, 1}};
  for (size_t i = 0; i < 4 * sizeof sequences / sizeof *sequences; i++)
    for (size_t change = 0; change < CHANGES; change++) {
      dg_gather_desc d = desc_of(0, change, i / 4);
      d.channels = sequences[i % 4].channels;
      d.height = 1;
      d.width = sequences[i % 4].steps;
      d.channels_last = d.lengths = true;
      if (dg_augment_recolours(&d.augment) && d.type == DG_NUMBERS_FLOATS) continue;
      if (rig_small() && (i + change) % 11) continue;
      try_gather_case(report, device, &d, change % 3 + 2);
    }
}

void try_gather(const rig_target *target, int number) {
  if (!rig_turn() || rig_repeats(target, DG_OP_GATHER)) return;
  (void)number;
  rig_report report = {.target = target};
  dg_device *device = rig_open(target);
  try_images(&report, device);
  try_samples(&report, device);
  try_sequences(&report, device);
  device->calls->close(device);
  rig_conclude(&report);
}
