#include "backends/cpu/runtime/partition.h"

#include <stdlib.h>

enum { MOST_SPLITS = 8, LEAST_SPLITS = 2 };

/** Floats of all parameters' gradients in a split. */
static size_t gradient_floats(const dg_op_sizes *sizes) {
  size_t floats = 0;
  for (size_t k = 0; k < DG_MAX_PARAM; k++) floats += dg_round_up(sizes->param[k]);
  return floats;
}

/** Can a training step of such an op process each sample independently? */
static bool is_partitionable(dg_op_kind kind) {
  const dg_op_traits *traits = dg_op_traits_of(kind);
  return !traits->couples_samples && !traits->is_sampleless;
}

/** Are there enough samples, also relative to the gradients that are summed over the splits, and to
    the parameters that each split packs? More splits than two only balance the work. */
static bool pays(const dg_op_sizes *sizes, size_t splits, size_t n) {
  size_t least = splits == LEAST_SPLITS ? 8 : 16, weight = splits == LEAST_SPLITS ? 1 : 4;
  return n >= least * splits &&
         weight * (splits - 1) * gradient_floats(sizes) <= n * (sizes->in[0] + sizes->out[0]);
}

static size_t splits_for(const dg_cpu_prepared *op, const dg_op_sizes *sizes, size_t n) {
  size_t splits = MOST_SPLITS, threads = (size_t)op->device->threads;
  while (splits > 1 && !pays(sizes, splits, n)) splits /= 2;
  bool more = !op->base.desc.exact && threads > splits && pays(sizes, threads, n);
  return more ? threads : splits;
}

size_t dg_cpu_partition_splits(const dg_cpu_partitioned_op *op, size_t n) {
  return splits_for(&op->op, &op->partition->sizes, n);
}

size_t dg_cpu_partition_workspace(const dg_cpu_partition *partition) {
  const dg_op_needs *needs = &partition->op.base.needs;
  size_t floats =
      (needs->forward_workspace > needs->backward_workspace ? needs->forward_workspace
                                                            : needs->backward_workspace) /
      sizeof(float);
  return dg_round_up(floats + 1) * sizeof(float);
}

/** Raises the op's own needs to those of both ways of running. */
static void join_needs(const dg_cpu_partition *partition, dg_cpu_prepared *op) {
  const dg_op_needs *split = &partition->op.base.needs;
  dg_op_needs *needs = &op->base.needs;
  size_t saved = op->base.max_n * partition->saved;
  if (saved > needs->saved) needs->saved = saved;
  needs->backward_reads_in |= split->backward_reads_in;
  needs->backward_reads_out |= split->backward_reads_out;
}

static bool fill(dg_cpu_partition *partition, dg_cpu_prepared *op, const dg_cpu_device *split,
                 dg_error *err) {
  uint32_t largest = (op->base.max_n + LEAST_SPLITS - 1) / LEAST_SPLITS;
  const dg_cpu_request request = {&op->base.desc, largest, true, op->forward.planned};
  if (!dg_cpu_prepare(&partition->op, split, &request, err)) return false;
  partition->saved =
      partition->op.base.needs.saved / largest; /* as many for each: core/op says so */
  join_needs(partition, op);
  if (op->forward.planned) return true;
  partition->grad_floats = gradient_floats(&partition->sizes);
  size_t bytes = (partition->most - 1) * partition->grad_floats * sizeof(float);
  if (bytes) partition->grads = aligned_alloc(DG_CPU_ALIGNMENT, bytes);
  return !bytes || partition->grads || dg_fail_memory(err, bytes);
}

bool dg_cpu_partition_make(dg_cpu_partitioned_op *partitioned, const dg_cpu_device *split,
                           dg_error *err) {
  dg_cpu_prepared *op = &partitioned->op;
  if (!op->forward.train || !is_partitionable(op->base.desc.kind)) return true;
  dg_op_sizes sizes = dg_op_sizes_of(&op->base.desc);
  size_t most = splits_for(op, &sizes, op->base.max_n);
  if (most == 1) return true;
  dg_cpu_partition *partition = partitioned->partition = calloc(1, sizeof *partition);
  if (!partition) return dg_fail_memory(err, sizeof *partition);
  partition->sizes = sizes;
  partition->most = most;
  partition->splits = 1;
  return fill(partition, op, split, err);
}

void dg_cpu_partition_free(dg_cpu_partition *partition) {
  if (!partition) return;
  dg_cpu_release(&partition->op);
  free(partition->grads);
  free(partition);
}
