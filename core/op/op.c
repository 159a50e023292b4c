#include "core/op/op.h"

const dg_op_traits *dg_op_traits_of(dg_op_kind kind) {
  static const dg_op_traits *const all[DG_OP_KINDS] = {
#define DG_OP(KIND, name, desc) [DG_OP_##KIND] = &dg_##name##_traits,
#include "core/op/list.h"
  };
  return (unsigned)kind < DG_OP_KINDS ? all[kind] : NULL;
}

const char *dg_op_name(dg_op_kind kind) {
  static const char *const names[DG_OP_KINDS] = {
#define DG_OP(KIND, name, desc) [DG_OP_##KIND] = #name,
#include "core/op/list.h"
  };
  return (unsigned)kind < DG_OP_KINDS ? names[kind] : "op";
}

dg_op_sizes dg_op_sizes_of(const dg_op_desc *desc) {
  const dg_op_traits *traits = dg_op_traits_of(desc->kind);
  return traits ? traits->sizes(dg_op_member(desc))
                : (dg_op_sizes){.intermediate = DG_SIZE_TOO_LARGE};
}

/* ---- checking ----------------------------------------------------------- */

static bool agrees(const dg_op_desc *desc) {
  const dg_op_traits *traits = dg_op_traits_of(desc->kind);
  return traits && (!traits->agrees || traits->agrees(dg_op_member(desc)));
}

/** Tensors of one kind. */
typedef struct {
  const char *what;        /**< name of one of them, for messages */
  const uint64_t *numbers; /**< size of each: of one sample, or of the whole tensor */
  uint32_t count;
  bool sampled;
  bool needed; /**< the first one is required */
} tensors;

static bool check_numbers(const tensors *t, uint64_t numbers, uint32_t max_n, uint64_t most,
                          dg_error *err) {
  if (!dg_size_fits(numbers))
    return dg_fail(err, DG_ERR_INPUT, "%s would have more than %d numbers%s", t->what,
                   DG_SIZE_NUMBERS, t->sampled ? " a sample" : "");
  uint64_t all = t->sampled ? dg_size_times(numbers, max_n) : numbers;
  if (all <= most) return true;
  if (!t->sampled)
    return dg_fail(err, DG_ERR_MEMORY, "%s would have %llu numbers, more than %llu", t->what,
                   (unsigned long long)all, (unsigned long long)most);
  return dg_fail(err, DG_ERR_MEMORY,
                 "%s of %u samples would have %llu numbers, more than %llu; a smaller batch fits",
                 t->what, max_n, (unsigned long long)all, (unsigned long long)most);
}

static bool check_tensors(const tensors *t, uint32_t max_n, uint64_t most, dg_error *err) {
  if (t->needed && t->numbers[0] == 0)
    return dg_fail(err, DG_ERR_INPUT, "%s would have no numbers", t->what);
  for (uint32_t k = 0; k < t->count; k++)
    if (!check_numbers(t, t->numbers[k], max_n, most, err)) return false;
  return true;
}

bool dg_op_check(const dg_op_desc *desc, uint32_t max_n, uint64_t most, dg_error *err) {
  static const uint64_t most_intermediate = (uint64_t)1 << 40, most_together = (uint64_t)1 << 57;
  if (max_n == 0) return dg_fail(err, DG_ERR_INPUT, "an op can't be prepared for no samples");
  if (!agrees(desc)) return dg_fail(err, DG_ERR_INPUT, "an op's description contradicts itself");
  bool samples = !dg_op_traits_of(desc->kind)->is_sampleless;
  dg_op_sizes sizes = dg_op_sizes_of(desc);
  const tensors all[] = {{"its input", sizes.in, DG_MAX_IN, true, false},
                         {"its output", sizes.out, DG_MAX_OUT, true, samples},
                         {"a parameter", sizes.param, DG_MAX_PARAM, false, !samples},
                         {"a running statistic", sizes.running, DG_MAX_RUNNING, false, false}};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (!check_tensors(&all[i], max_n, most, err)) return false;
  return (sizes.intermediate <= most_intermediate &&
          dg_size_times(sizes.intermediate, max_n) <= most_together) ||
         dg_fail(err, DG_ERR_INPUT, "what it makes of its input on the way is too large");
}
