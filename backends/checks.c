#include "backends/checks.h"

bool dg_check_inside(const char *what, size_t size, size_t offset, size_t bytes, dg_error *err) {
  return (offset <= size && bytes <= size - offset) ||
         dg_fail(err, DG_ERR_INPUT, "%s of %zu bytes at %zu is outside a buffer of %zu bytes", what,
                 bytes, offset, size);
}

/** Do two ranges of the same memory, both inside it, not overlap? */
static bool apart(const dg_buffer_range *a, const dg_buffer_range *b, size_t bytes) {
  size_t first = a->begin + a->offset, second = b->begin + b->offset;
  return first + bytes <= second || second + bytes <= first;
}

bool dg_check_copy(const dg_buffer_range *from, const dg_buffer_range *to, size_t bytes,
                   dg_error *err) {
  if (!dg_check_inside("a copy", from->size, from->offset, bytes, err) ||
      !dg_check_inside("a copy", to->size, to->offset, bytes, err))
    return false;
  if (from->device != to->device)
    return dg_fail(err, DG_ERR_INPUT, "a copy goes from one device to another");
  return from->whole != to->whole || apart(from, to, bytes) ||
         dg_fail(err, DG_ERR_INPUT, "a copy of %zu bytes goes to where it comes from", bytes);
}

bool dg_check_fill(const dg_buffer_range *to, size_t bytes, dg_error *err) {
  if (!dg_check_inside("a fill", to->size, to->offset, bytes, err)) return false;
  return (to->offset % sizeof(uint32_t) == 0 && bytes % sizeof(uint32_t) == 0) ||
         dg_fail(err, DG_ERR_INPUT, "a fill of %zu bytes at %zu is not one of whole words of %zu",
                 bytes, to->offset, sizeof(uint32_t));
}

/** The phase of a step, as it applies to an op. */
static dg_phase phase_of(const dg_op *op, const dg_step *step) {
  return dg_op_traits_of(op->desc.kind)->couples_samples && step->train ? step->phase
                                                                        : DG_PHASE_ALL;
}

static bool check_samples(const dg_op *op, const dg_step *step, dg_error *err) {
  const char *name = dg_op_name(op->desc.kind);
  const dg_phase phase = phase_of(op, step);
  const bool no_samples = phase == DG_PHASE_MERGE || phase == DG_PHASE_FINISH; /* but statistics */
  if (dg_op_traits_of(op->desc.kind)->is_sampleless) return true;
  if (step->n == 0 || (step->n > op->max_n && !no_samples))
    return dg_fail(err, DG_ERR_INPUT, "%s was prepared for 1 to %u samples, not for %u", name,
                   op->max_n, step->n);
  return step->whole == 0 || step->n <= step->whole ||
         dg_fail(err, DG_ERR_INPUT, "%s gets %u samples of a batch of %u", name, step->n,
                 step->whole);
}

bool dg_check_forward(const dg_op *op, const dg_op_buffers *buffers, const dg_step *step,
                      dg_error *err) {
  const char *name = dg_op_name(op->desc.kind);
  if (!check_samples(op, step, err)) return false;
  if (phase_of(op, step) != DG_PHASE_MERGE) return true;
  if (step->n >= dg_whole_samples(step))
    return dg_fail(err, DG_ERR_INPUT, "%s is to merge %u samples with no others", name, step->n);
  return buffers->other || dg_fail(err, DG_ERR_INPUT, "%s has nothing to merge: no other", name);
}

bool dg_check_backward(const dg_op *op, const dg_step *step, bool prepared, dg_error *err) {
  const char *name = dg_op_name(op->desc.kind);
  const dg_phase phase = phase_of(op, step);
  if (!prepared) return dg_fail(err, DG_ERR_INPUT, "%s was not prepared for a backward pass", name);
  if (phase == DG_PHASE_MERGE || phase == DG_PHASE_FINISH)
    return dg_fail(err, DG_ERR_INPUT, "%s has nothing to merge or to finish backward", name);
  return check_samples(op, step, err);
}
