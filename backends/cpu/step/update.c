#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

/** Elements handled at a time. */
enum { BLOCK = 512 };

/** One step's numbers, the same for all elements. */
typedef struct {
  float lr, decay, scale; /**< scale: of the gradients, by clipping */
  float momentum;         /**< sgd */
  bool nesterov;          /**< sgd */
  float beta1, beta2, step_size, root_correction, shrink; /**< adam */
  float rho, eps;
} coefficients;

static bool supports(const dg_op_desc *desc) {
  return desc->update.count > 0 && desc->update.count % 16 == 0 &&
         (unsigned)desc->update.kind <= DG_ADADELTA;
}

static bool prepare(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.workspace = (op->desc.update.count + BLOCK - 1) / BLOCK * sizeof(double);
  return true;
}

static bool finite_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (bits & 0x7f800000u) != 0x7f800000u;
}

/** What a parameter steps along: its gradient, scaled, with its decay. */
static inline float direction(const coefficients *k, float grad, float p) {
  return grad * k->scale + k->decay * p;
}

/** A gradient that is not finite, or not once it is scaled, is left out. */
static inline bool usable(const coefficients *k, float grad) {
  return finite_bits(grad) && finite_bits(grad * k->scale);
}

static void sgd(const coefficients *given, size_t count, const float *restrict grad,
                float *restrict p, float *restrict velocity) {
  const coefficients k = *given;
  for (size_t i = 0; i < count && !velocity; i++)
    p[i] = usable(&k, grad[i]) ? p[i] - k.lr * direction(&k, grad[i], p[i]) : p[i];
  for (size_t i = 0; i < count && velocity; i++) {
    bool ok = usable(&k, grad[i]);
    float step = direction(&k, grad[i], p[i]), v = k.momentum * velocity[i] + step;
    velocity[i] = ok ? v : velocity[i];
    p[i] = ok ? p[i] - k.lr * (k.nesterov ? step + k.momentum * v : v) : p[i];
  }
}

static void adam(const coefficients *given, size_t count, const float *restrict grad,
                 float *restrict p, float *restrict m, float *restrict v) {
  const coefficients k = *given;
  for (size_t i = 0; i < count; i++) {
    bool ok = usable(&k, grad[i]);
    float g = direction(&k, grad[i], p[i]);
    float new_m = m[i] + (g - m[i]) * (1 - k.beta1);
    float new_v = k.beta2 * v[i] + (1 - k.beta2) * (g * g);
    float step = k.step_size * new_m / (sqrtf(new_v) / k.root_correction + k.eps);
    m[i] = ok ? new_m : m[i];
    v[i] = ok ? new_v : v[i];
    p[i] = ok ? p[i] * k.shrink - step : p[i];
  }
}

static void adadelta(const coefficients *given, size_t count, const float *restrict grad,
                     float *restrict p, float *restrict square, float *restrict delta) {
  const coefficients k = *given;
  for (size_t i = 0; i < count; i++) {
    bool ok = usable(&k, grad[i]);
    float g = direction(&k, grad[i], p[i]);
    float new_square = k.rho * square[i] + (1 - k.rho) * (g * g);
    float step = sqrtf(delta[i] + k.eps) / sqrtf(new_square + k.eps) * g;
    float new_delta = k.rho * delta[i] + (1 - k.rho) * (step * step);
    square[i] = ok ? new_square : square[i];
    delta[i] = ok ? new_delta : delta[i];
    p[i] = ok ? p[i] - k.lr * step : p[i];
  }
}

/** The smallest element from `begin` to `end` that isn't finite, or 0xffffffff. */
static uint32_t first_fault(const float *grad, size_t begin, size_t end) {
  uint32_t bad = 0;
  for (size_t i = begin; i < end; i++) bad |= !finite_bits(grad[i]);
  if (bad)
    for (size_t i = begin; i < end; i++)
      if (!finite_bits(grad[i])) return (uint32_t)i;
  return UINT32_MAX;
}

/** The sums of the squares of a piece's gradients, block by block. */
static void add_squares(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  size_t count = region->op->desc.update.count;
  const float *grad = dg_floats(region->buffers->in[0]);
  double *blocks = (double *)region->buffers->workspace->data;
  dg_span part = dg_cpu_part((count + BLOCK - 1) / BLOCK, region->pieces, piece);
  (void)worker;
  for (size_t b = part.begin; b < part.end; b++) {
    double sum = 0;
    for (size_t i = b * BLOCK; i < (b + 1) * BLOCK && i < count; i++)
      sum += (double)grad[i] * (double)grad[i];
    blocks[b] = sum;
  }
}

/** What clipping multiplies gradients by; the norm is added up block by block, in order. */
static float clip_scale(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  size_t count = op->desc.update.count;
  float limit = op->desc.update.clip_norm;
  double sum = 0;
  if (!(limit > 0)) return 1;
  dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(count, count), add_squares);
  const double *blocks = (const double *)buffers->workspace->data;
  for (size_t b = 0; b < (count + BLOCK - 1) / BLOCK; b++) sum += blocks[b];
  double scale = (double)limit / (sqrt(sum) + 1e-6);
  return scale > 1 ? 1 : (float)scale;
}

static coefficients coefficients_of(const dg_update_desc *d, const dg_step *step, float scale) {
  double beta1 = (double)d->beta1, beta2 = (double)d->beta2, t = (double)step->step + 1;
  bool shrinks = d->kind == DG_ADAM && d->decoupled;
  return (coefficients){
      .lr = step->lr,
      .decay = shrinks ? 0 : d->weight_decay,
      .scale = scale,
      .momentum = d->momentum,
      .nesterov = d->nesterov,
      .beta1 = d->beta1,
      .beta2 = d->beta2,
      .step_size = (float)((double)step->lr / (1 - pow(beta1, t))),
      .root_correction = (float)sqrt(1 - pow(beta2, t)),
      .shrink = shrinks ? 1 - step->lr * d->weight_decay : 1,
      .rho = d->rho,
      .eps = d->eps,
  };
}

/** Steps the elements of a span; the first whose gradient isn't finite, or 0xffffffff. */
static uint32_t update_span(const dg_update_desc *d, const dg_op_buffers *buffers,
                            const coefficients *k, dg_span span) {
  const float *grad = dg_floats(buffers->in[0]);
  float *p = dg_floats(buffers->out[0]);
  float *first = dg_floats(buffers->out[1]), *second = first ? first + d->count : NULL;
  uint32_t bad = UINT32_MAX;
  for (size_t begin = span.begin; begin < span.end; begin += BLOCK) {
    size_t end = begin + BLOCK < span.end ? begin + BLOCK : span.end, count = end - begin;
    uint32_t found = first_fault(grad, begin, end);
    if (found < bad) bad = found;
    if (d->kind == DG_SGD)
      sgd(k, count, grad + begin, p + begin, d->momentum != 0 ? first + begin : NULL);
    else
      (d->kind == DG_ADAM ? adam : adadelta)(k, count, grad + begin, p + begin, first + begin,
                                             second + begin);
  }
  return bad;
}

/** A step of all parameters. */
typedef struct {
  const dg_update_desc *desc;
  const dg_op_buffers *buffers;
  coefficients coefficients;
  size_t pieces;
  _Atomic uint32_t *bad; /**< the first element whose gradient isn't finite */
} pass;

static void note_bad(_Atomic uint32_t *bad, uint32_t found) {
  uint32_t first = atomic_load(bad);
  while (found < first && !atomic_compare_exchange_weak(bad, &first, found)) {
  }
}

/** A piece does its part of every parameter. */
static void update_piece(const void *context, size_t piece, size_t worker) {
  enum { GRAIN = DG_CPU_ALIGNMENT / sizeof(float) };
  const pass *p = context;
  const dg_update_desc *d = p->desc;
  uint32_t parts = d->parts ? d->parts : 1;
  (void)worker;
  for (uint32_t i = 0; i < parts; i++) {
    size_t begin = i ? d->ends[i - 1] : 0, end = d->parts ? d->ends[i] : d->count;
    dg_span span = dg_cpu_grains(end - begin, GRAIN, p->pieces, piece);
    span = (dg_span){begin + span.begin, begin + span.end};
    note_bad(p->bad, update_span(d, p->buffers, &p->coefficients, span));
  }
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_update_desc *d = &op->desc.update;
  uint32_t *fault = (uint32_t *)buffers->out[2]->data;
  if (fault[0] != 0) return;
  _Atomic uint32_t bad = UINT32_MAX;
  const pass p = {.desc = d,
                  .buffers = buffers,
                  .coefficients = coefficients_of(d, step, clip_scale(op, buffers, step)),
                  .pieces = dg_cpu_pieces(d->count, d->count),
                  .bad = &bad};
  dg_cpu_run_pieces(op->device, p.pieces, update_piece, &p);
  if (bad != UINT32_MAX) fault[0] = step->step + 1, fault[1] = bad;
}

static const dg_cpu_implementation forward_by_blocks = {"blocks", NULL, prepare, forward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_update) = {supports, {&forward_by_blocks}, {NULL}};
