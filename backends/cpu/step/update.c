#include "backends/cpu/runtime/implementation.h"
#include "backends/cpu/runtime/isa.h"

#include <math.h>
#include <string.h>

/** Elements processed at a time. */
enum { BLOCK = 512 };

/** The coefficients of one step, the same for all elements. */
typedef struct {
  float lr, decay, scale; /**< scale: of the gradients, from clipping */
  float momentum;         /**< sgd, rmsprop */
  bool nesterov;          /**< sgd */
  float beta1, beta2, step_size, root_correction, shrink; /**< adam */
  float rho, eps;
  float alpha; /**< rmsprop */
} coefficients;

static bool supports(const dg_op_desc *desc) {
  return desc->update.count > 0 && desc->update.count % 16 == 0 &&
         (unsigned)desc->update.kind <= DG_RMSPROP;
}

static size_t blocks_of(const dg_update_desc *d) {
  return (d->count + BLOCK - 1) / BLOCK;
}

/** What the regions of a step pass to later ones. */
typedef struct {
  float scale;                  /**< scale of the gradients, from clipping */
  uint32_t bad[DG_MOST_PIECES]; /**< for each piece the first element whose gradient isn't finite */
  double squares[];             /**< for each block the sum of squares */
} findings;

static bool prepare(dg_cpu_op *op, dg_error *err) {
  (void)err;
  op->needs.workspace = sizeof(findings) + blocks_of(&op->desc.update) * sizeof(double);
  return true;
}

static bool finite_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (bits & 0x7f800000u) != 0x7f800000u;
}

/** The gradient that a parameter is updated with: scaled, and with weight decay. */
static inline float direction(const coefficients *k, float grad, float p) {
  return grad * k->scale + k->decay * p;
}

/** Skips a gradient that isn't finite, or isn't once it is scaled. */
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

/** `mean` NULL: not centered; `velocity` NULL: no momentum. */
static void rmsprop(const coefficients *given, size_t count, const float *restrict grad,
                    float *restrict p, float *restrict square, float *restrict mean,
                    float *restrict velocity) {
  const coefficients k = *given;
  for (size_t i = 0; i < count; i++) {
    bool ok = usable(&k, grad[i]);
    float g = direction(&k, grad[i], p[i]);
    float new_square = k.alpha * square[i] + (1 - k.alpha) * (g * g), variance = new_square;
    square[i] = ok ? new_square : square[i];
    if (mean) {
      float new_mean = mean[i] + (g - mean[i]) * (1 - k.alpha);
      mean[i] = ok ? new_mean : mean[i];
      variance -= new_mean * new_mean;
      variance = variance > 0 ? variance : 0; /* rounding may make it negative */
    }
    float step = g / (sqrtf(variance) + k.eps);
    if (velocity) {
      step += k.momentum * velocity[i];
      velocity[i] = ok ? step : velocity[i];
    }
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

/* ---- clipping ----------------------------------------------------------- */

static findings *findings_of(const dg_op_buffers *buffers) {
  return (findings *)(void *)buffers->workspace->data;
}

static void add_squares(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_update_desc *d = &region->op->desc.update;
  const float *grad = dg_floats(region->buffers->in[0]);
  dg_span blocks = dg_cpu_part(blocks_of(d), region->pieces, piece);
  (void)worker;
  for (size_t b = blocks.begin; b < blocks.end; b++) {
    double sum = 0;
    for (size_t i = b * BLOCK; i < (b + 1) * BLOCK && i < d->count; i++)
      sum += (double)grad[i] * (double)grad[i];
    findings_of(region->buffers)->squares[b] = sum;
  }
}

/** The factor of the gradients from clipping; the norm is summed block by block, in order. */
static void find_scale(const void *context, size_t piece, size_t worker) {
  const dg_cpu_region *region = context;
  const dg_update_desc *d = &region->op->desc.update;
  findings *f = findings_of(region->buffers);
  double sum = 0;
  (void)piece, (void)worker;
  for (size_t b = 0; b < blocks_of(d); b++) sum += f->squares[b];
  double scale = (double)d->clip_norm / (sqrt(sum) + 1e-6);
  f->scale = scale > 1 ? 1 : (float)scale;
}

/* ---- stepping ----------------------------------------------------------- */

/** All coefficients except the scale. */
static coefficients coefficients_of(const dg_update_desc *d, const dg_step *step) {
  double beta1 = (double)d->beta1, beta2 = (double)d->beta2, t = (double)step->step + 1;
  bool shrinks = d->kind == DG_ADAM && d->decoupled;
  return (coefficients){
      .lr = step->lr,
      .decay = shrinks ? 0 : d->weight_decay,
      .scale = 1,
      .momentum = d->momentum,
      .nesterov = d->nesterov,
      .beta1 = d->beta1,
      .beta2 = d->beta2,
      .step_size = (float)((double)step->lr / (1 - pow(beta1, t))),
      .root_correction = (float)sqrt(1 - pow(beta2, t)),
      .shrink = shrinks ? 1 - step->lr * d->weight_decay : 1,
      .rho = d->rho,
      .eps = d->eps,
      .alpha = d->alpha,
  };
}

/** Updates the elements of a span; returns the first whose gradient isn't finite, or 0xffffffff. */
static uint32_t update_span(const dg_update_desc *d, const dg_op_buffers *buffers,
                            const coefficients *k, dg_span span) {
  const float *grad = dg_floats(buffers->in[0]);
  float *p = dg_floats(buffers->out[0]);
  float *first = dg_floats(buffers->out[1]), *second = first ? first + d->count : NULL;
  float *mean = d->centered ? second : NULL, *velocity = mean ? second + d->count : second;
  uint32_t bad = UINT32_MAX;
  for (size_t begin = span.begin; begin < span.end; begin += BLOCK) {
    size_t end = begin + BLOCK < span.end ? begin + BLOCK : span.end, count = end - begin;
    uint32_t found = first_fault(grad, begin, end);
    if (found < bad) bad = found;
    if (d->kind == DG_SGD)
      sgd(k, count, grad + begin, p + begin, d->momentum != 0 ? first + begin : NULL);
    else if (d->kind == DG_RMSPROP)
      rmsprop(k, count, grad + begin, p + begin, first + begin, mean ? mean + begin : NULL,
              d->momentum > 0 ? velocity + begin : NULL);
    else
      (d->kind == DG_ADAM ? adam : adadelta)(k, count, grad + begin, p + begin, first + begin,
                                             second + begin);
  }
  return bad;
}

/** Updates all parameters. */
typedef struct {
  const dg_update_desc *desc;
  const dg_op_buffers *buffers;
  coefficients coefficients;
  uint32_t step;
  size_t pieces;
} pass;

/** {0, …}: no fault so far. */
static uint32_t *fault_of(const pass *p) {
  return (uint32_t *)p->buffers->out[2]->data;
}

/** A piece updates its part of every parameter. */
static void update_piece(const void *context, size_t piece, size_t worker) {
  enum { GRAIN = DG_CPU_ALIGNMENT / sizeof(float) };
  const pass *p = context;
  const dg_update_desc *d = p->desc;
  findings *f = findings_of(p->buffers);
  coefficients k = p->coefficients;
  uint32_t bad = UINT32_MAX, params = d->params ? d->params : 1;
  (void)worker;
  if (fault_of(p)[0] != 0) return;
  if (d->clip_norm > 0) k.scale = f->scale;
  for (uint32_t i = 0; i < params; i++) {
    size_t begin = i ? d->param_ends[i - 1] : 0, end = d->params ? d->param_ends[i] : d->count;
    dg_span span = dg_cpu_grains(end - begin, GRAIN, p->pieces, piece);
    span = (dg_span){begin + span.begin, begin + span.end};
    uint32_t found = update_span(d, p->buffers, &k, span);
    if (found < bad) bad = found;
  }
  f->bad[piece] = bad;
}

/** Reports the first faulty element that any piece has found. */
static void tell_fault(const void *context, size_t piece, size_t worker) {
  const pass *p = context;
  const findings *f = findings_of(p->buffers);
  uint32_t *fault = fault_of(p), bad = UINT32_MAX;
  (void)piece, (void)worker;
  if (fault[0] != 0) return;
  for (size_t i = 0; i < p->pieces; i++)
    if (f->bad[i] < bad) bad = f->bad[i];
  if (bad != UINT32_MAX) fault[0] = p->step + 1, fault[1] = bad;
}

static void forward(const dg_cpu_op *op, const dg_op_buffers *buffers, const dg_step *step) {
  const dg_update_desc *d = &op->desc.update;
  size_t threads = (size_t)op->device->threads, most = threads > 1 ? 2 * threads : 1;
  size_t pieces = dg_cpu_pieces(most, d->count); /* long spans of each parameter */
  const pass p = {d, buffers, coefficients_of(d, step), step->step, pieces};
  if (d->clip_norm > 0) {
    dg_cpu_run_region(op, buffers, step, dg_cpu_pieces(blocks_of(d), d->count), add_squares);
    dg_cpu_run_region(op, buffers, step, 1, find_scale);
  }
  dg_cpu_run_pieces(op->device, pieces, update_piece, &p, sizeof p);
  dg_cpu_run_pieces(op->device, 1, tell_fault, &p, sizeof p);
}

static const dg_cpu_implementation forward_by_blocks = {"blocks", NULL, prepare, forward};

const dg_cpu_family DG_ISA_NAME(dg_cpu_update) = {supports, {&forward_by_blocks}, {NULL}};
