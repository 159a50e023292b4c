#include "backends/checks.h"

bool dg_check_inside(const char *what, size_t size, size_t offset, size_t bytes, dg_error *err) {
  return (offset <= size && bytes <= size - offset) ||
         dg_fail(err, DG_ERR_INPUT, "%s of %zu bytes at %zu is outside a buffer of %zu bytes", what,
                 bytes, offset, size);
}

/** Have two ranges of one memory no byte in common? Both are inside of it. */
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

bool dg_check_run(const dg_op *op, const dg_step *step, bool prepared, dg_error *err) {
  const char *name = dg_op_name(op->desc.kind);
  if (!prepared) return dg_fail(err, DG_ERR_INPUT, "%s was not prepared for a backward pass", name);
  if (step->whole && step->whole < step->n)
    return dg_fail(err, DG_ERR_INPUT, "%s runs %u samples of a whole of %u", name, step->n,
                   step->whole);
  bool joins = step->phase == DG_PHASE_MERGE || step->phase == DG_PHASE_FINISH;
  if (dg_op_row_of(op->desc.kind)->is_sampleless || (joins && step->n > 0)) return true;
  return (step->n > 0 && step->n <= op->max_n) ||
         dg_fail(err, DG_ERR_INPUT, "%s was prepared for 1 to %u samples, not for %u", name,
                 op->max_n, step->n);
}
