/** The peak rates of a device: of a matrix product, and of its memory. */
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/device.h"
#include "core/exec/bound.h"
#include "digits/bench.h"
#include "digits/device.h"

enum {
  SIDE = 1024,       /**< of the weight matrix */
  FEW = 128,         /**< so few samples that some backends use other kernels */
  NUMBERS = 1 << 24, /**< of an array of the sum; larger than the caches */
  OPERANDS = 3,
};

/** An op with its memory. */
typedef struct {
  dg_bound_op bound;
  dg_buffer *memory[OPERANDS]; /**< input, second operand, output */
  dg_step step;
  double work; /**< operations or bytes per run */
} measured_op;

struct dg_probe {
  dg_device *device;
  measured_op product, sum;
};

static void op_close(dg_device *device, measured_op *m) {
  dg_bound_release(&m->bound);
  for (size_t i = 0; i < OPERANDS; i++) device->calls->buffer_free(m->memory[i]);
  *m = (measured_op){0};
}

/** Allocates memory and fills it with numbers whose products don't overflow. */
static dg_buffer *new_numbers(dg_device *device, size_t count, dg_error *err) {
  dg_buffer *buffer = device->calls->buffer_new(device, count * sizeof(float), err);
  float *numbers = buffer ? malloc(count * sizeof *numbers) : NULL;
  if (buffer && !numbers) dg_fail_memory(err, count * sizeof *numbers);
  for (size_t i = 0; numbers && i < count; i++) numbers[i] = (float)(i % 7) / 8 - 0.375F;
  bool ok = numbers && device->calls->write(buffer, 0, numbers, count * sizeof *numbers, err);
  free(numbers);
  if (ok) return buffer;
  device->calls->buffer_free(buffer);
  return NULL;
}

/** Prepares an op and gives it memory: `counts` numbers for each operand. */
static bool op_open(dg_device *device, measured_op *m, const char *name, const dg_op_desc *desc,
                    const size_t counts[OPERANDS], dg_error *err) {
  if (!dg_bound_prepare(&m->bound, device, name, desc, m->step.n, false, err)) return false;
  for (size_t i = 0; i < OPERANDS; i++)
    if (!(m->memory[i] = new_numbers(device, counts[i], err))) return false;
  m->bound.buffers.in[0] = m->memory[0];
  m->bound.buffers.out[0] = m->memory[2];
  return true;
}

static bool product_open(dg_device *device, measured_op *m, uint32_t samples, dg_error *err) {
  const dg_op_desc desc = {.kind = DG_OP_LINEAR, .linear = {.in = SIDE, .out = SIDE}};
  const size_t counts[] = {(size_t)samples * SIDE, SIDE * SIDE, (size_t)samples * SIDE};
  *m = (measured_op){.step = {.n = samples}, .work = 2.0 * samples * SIDE * SIDE};
  if (!op_open(device, m, "linear", &desc, counts, err)) return false;
  m->bound.buffers.param[0] = m->memory[1];
  return true;
}

static bool sum_open(dg_device *device, measured_op *m, dg_error *err) {
  enum { ROW = 1 << 16 };
  const dg_op_desc desc = {.kind = DG_OP_ADD, .add = {.count = ROW, .inputs = 2}};
  const size_t counts[] = {NUMBERS, NUMBERS, NUMBERS};
  *m = (measured_op){.step = {.n = NUMBERS / ROW}, .work = 3.0 * NUMBERS * sizeof(float)};
  if (!op_open(device, m, "add", &desc, counts, err)) return false;
  m->bound.buffers.in[1] = m->memory[1];
  return true;
}

/** Work per second, over runs of about `seconds` in total. */
static bool measure(dg_device *device, measured_op *m, double seconds, double *rate,
                    dg_error *err) {
  uint32_t runs = 0, more = 1;
  double begun = dg_seconds(), spent = 0;
  while (spent < seconds) {
    for (uint32_t i = 0; i < more; i++)
      if (!dg_bound_forward(&m->bound, &m->step, err)) return false;
    if (!device->calls->finish(device, err)) return false;
    runs += more;
    spent = dg_seconds() - begun;
    double left = (seconds - spent) / spent * runs;
    more = left < 1 ? 1 : left < runs ? (uint32_t)left : runs;
  }
  *rate = runs * m->work / spent;
  return true;
}

/** The rate of a product after a warm-up run. */
static bool try_product(dg_device *device, uint32_t samples, double *rate, dg_error *err) {
  enum { TRIAL = 20 }; /* per second */
  double warm_up;
  measured_op m;
  bool ok = product_open(device, &m, samples, err) && measure(device, &m, 1e-9, &warm_up, err) &&
            measure(device, &m, 1.0 / TRIAL, rate, err);
  op_close(device, &m);
  return ok;
}

/** The fastest variant of the product so far. */
typedef struct {
  const char *form;
  uint32_t samples;
  double rate;
} best_product;

/** Tries a variant; one that the device lacks is skipped. */
static bool try_form(const char *backend, const dg_open_options *options, best_product *best,
                     dg_error *err) {
  dg_error lacking = {0};
  dg_device *device = dg_open_with(backend, options, &lacking);
  if (!device) {
    if (lacking.kind == DG_ERR_UNSUPPORTED) return true;
    *err = lacking;
    return false;
  }
  bool ok = true;
  static const uint32_t counts[] = {SIDE, FEW};
  for (size_t i = 0; ok && i < sizeof counts / sizeof *counts; i++) {
    double rate;
    ok = try_product(device, counts[i], &rate, err);
    if (ok && rate > best->rate) *best = (best_product){options->form, counts[i], rate};
  }
  device->calls->close(device);
  return ok;
}

/** The backend's variants, ended by NULL. */
static const char *const *forms_of(const char *backend) {
  static const char *const none[] = {NULL};
  for (const dg_backend *const *b = dg_backends(); *b; b++)
    if (strcmp((*b)->name, backend) == 0) return (*b)->forms;
  return none;
}

/** Finds the best variant and opens the device with it. */
static bool open_best(dg_probe *p, const char *backend, dg_open_options options, dg_error *err) {
  best_product best = {0};
  for (const char *const *form = forms_of(backend); *form; form++) {
    options.form = *form;
    if (!try_form(backend, &options, &best, err)) return false;
  }
  options.form = best.form;
  p->device = dg_open_with(backend, &options, err);
  return p->device &&
         product_open(p->device, &p->product, best.samples ? best.samples : SIDE, err) &&
         sum_open(p->device, &p->sum, err);
}

dg_probe *dg_probe_new(const char *backend, const char *device, unsigned threads, dg_error *err) {
  dg_probe *p = calloc(1, sizeof *p);
  if (!p) return dg_fail_memory(err, sizeof *p), NULL;
  if (open_best(p, backend, (dg_open_options){.device = device, .threads = threads}, err)) return p;
  dg_probe_free(p);
  return NULL;
}

void dg_probe_free(dg_probe *p) {
  if (!p) return;
  if (p->device) {
    op_close(p->device, &p->product);
    op_close(p->device, &p->sum);
    p->device->calls->close(p->device);
  }
  free(p);
}

bool dg_probe_run(dg_probe *p, double seconds, dg_rates *rates, dg_error *err) {
  return measure(p->device, &p->product, seconds / 2, &rates->operations, err) &&
         measure(p->device, &p->sum, seconds / 2, &rates->bytes, err);
}
