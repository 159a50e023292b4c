#include "backends/opencl/tune/tune_job.h"

#include <stdlib.h>
#include <string.h>

#include "backends/opencl/ops.h"
#include "core/base/clock.h"

/* Parameter, samples, from, to, side, kernel, backward, d_in. */
const dg_cl_job dg_cl_jobs[] = {
    {DG_CL_OUTER, 64, 784, 512, 0, 0, true, true},
    {DG_CL_OUTER, 128, 784, 100, 0, 0, true, true},
    {DG_CL_OUTER, 256, 4732, 128, 0, 0, true, true},
    {DG_CL_INNER, 64, 784, 512, 0, 0, false, false},
    {DG_CL_INNER, 128, 784, 100, 0, 0, false, false},
    {DG_CL_INNER, 256, 4732, 128, 0, 0, false, false},
    {DG_CL_INNER, 64, 1, 16, 28, 3, true, false},
    {DG_CL_INNER, 64, 16, 32, 14, 3, true, false},
    {DG_CL_TAPS, 64, 32, 32, 14, 5, true, false},
    {DG_CL_TAPS, 60, 96, 96, 14, 3, true, false},
    {DG_CL_TAPS, 30, 96, 144, 10, 7, false, false},
    {DG_CL_CHOOSE_LINEAR, 128, 1024, 1024, 0, 0, false, false},
    {DG_CL_CHOOSE_LINEAR, 128, 1024, 1024, 0, 0, true, true},
};

const size_t dg_cl_job_count = sizeof dg_cl_jobs / sizeof *dg_cl_jobs;

/* ---- memory ------------------------------------------------------------- */

/* Count of the numbers in the tensors of a job. */
typedef struct {
  size_t in, out, weights, bias;
} sizes;

static sizes sizes_of(const dg_cl_job *job) {
  const size_t pixels = job->side ? (size_t)job->side * job->side : 1;
  const size_t window = job->side ? (size_t)job->kernel * job->kernel : 1;
  return (sizes){.in = job->n * job->from * pixels,
                 .out = job->n * job->to * pixels,
                 .weights = job->from * job->to * window,
                 .bias = job->to};
}

static dg_op_desc desc_of(const dg_cl_job *job) {
  dg_op_desc desc = {.kind = job->side ? DG_OP_CONV2D : DG_OP_LINEAR};
  desc.d_in[0] = job->d_in ? DG_GRAD_WRITE : DG_GRAD_NONE;
  if (job->side)
    desc.conv2d = (dg_conv2d_desc){.channels = job->from,
                                   .height = job->side,
                                   .width = job->side,
                                   .filters = job->to,
                                   .kernel_h = job->kernel,
                                   .kernel_w = job->kernel,
                                   .stride_h = 1,
                                   .stride_w = 1,
                                   .pad_h = job->kernel / 2,
                                   .pad_w = job->kernel / 2,
                                   .bias = true};
  else
    desc.linear = (dg_linear_desc){.in = job->from, .out = job->to, .bias = true};
  return desc;
}

/* For the direct method: each number of the output is a sum of as many products as a filter has
   weights; each gradient takes the same number again. */
static double operations_of(const dg_cl_job *job) {
  const sizes s = sizes_of(job);
  const double forward = 2.0 * (double)s.out * (double)(s.weights / s.bias);
  return job->backward && job->d_in ? 2 * forward : forward;
}

/* Memory with numbers whose sums are rounded, so that a different order is detected. */
static bool new_numbers(dg_cl_device *device, size_t count, dg_buffer **to, dg_error *err) {
  float *numbers = malloc(count * sizeof *numbers);
  if (!numbers) return dg_fail_memory(err, count * sizeof *numbers);
  uint32_t state = (uint32_t)count;
  for (size_t i = 0; i < count; i++) {
    state = state * 1664525U + 1013904223U; /* Numerical Recipes' generator */
    numbers[i] = (float)(state >> 8) * 0x1p-23F - 1;
  }
  *to = dg_cl_buffer_new(&device->base, count * sizeof *numbers, err);
  bool ok = *to && dg_cl_buffer_write(*to, 0, numbers, count * sizeof *numbers, err);
  free(numbers);
  return ok;
}

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

static bool new_buffer(dg_cl_device *device, size_t bytes, dg_buffer **to, dg_error *err) {
  return bytes == 0 || (*to = dg_cl_buffer_new(&device->base, bytes, err));
}

bool dg_cl_task_open(dg_cl_device *device, dg_cl_task *task, dg_error *err) {
  const sizes s = sizes_of(task->job);
  size_t saved = 0, workspace = 0;
  for (size_t i = 0; i < DG_CL_TUNE_OPS; i++) {
    if (!task->ops[i]) continue;
    const dg_op_needs *needs = &task->ops[i]->needs;
    saved = larger(saved, needs->saved);
    workspace = larger(workspace, larger(needs->forward_workspace, needs->backward_workspace));
  }
  dg_op_buffers *b = &task->buffers;
  task->result = task->job->backward ? s.weights : s.out;
  task->operations = operations_of(task->job);
  return new_numbers(device, s.in, &b->in[0], err) && new_numbers(device, s.in, &b->d_in[0], err) &&
         new_numbers(device, s.out, &b->out[0], err) &&
         new_numbers(device, s.out, &b->d_out, err) &&
         new_numbers(device, s.weights, &b->param[0], err) &&
         new_numbers(device, s.bias, &b->param[1], err) &&
         new_numbers(device, s.weights, &b->d_param[0], err) &&
         new_numbers(device, s.bias, &b->d_param[1], err) &&
         new_buffer(device, saved, &b->saved, err) &&
         new_buffer(device, workspace, &b->workspace, err);
}

void dg_cl_task_close(dg_cl_device *device, dg_cl_task *task) {
  dg_op_buffers *b = &task->buffers;
  dg_buffer *all[] = {b->in[0],    b->d_in[0],    b->out[0],     b->d_out, b->param[0],
                      b->param[1], b->d_param[0], b->d_param[1], b->saved, b->workspace};
  clFinish(device->queue);
  for (size_t i = 0; i < DG_CL_TUNE_OPS; i++) dg_cl_ops_free(task->ops[i]);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) dg_cl_buffer_free(all[i]);
  free(task->expected);
}

/* ---- running ------------------------------------------------------------ */

bool dg_cl_task_prepare(dg_cl_device *device, dg_cl_task *task, size_t choice, dg_error *err) {
  const dg_op_desc desc = desc_of(task->job);
  task->ops[choice] = dg_cl_ops_prepare(&device->base, &desc, task->job->n, true, err);
  return task->ops[choice];
}

static bool run(dg_cl_task *task, size_t choice, bool backward, dg_error *err) {
  const dg_step step = {.n = task->job->n, .train = true};
  return backward ? dg_cl_ops_backward(task->ops[choice], &task->buffers, &step, err)
                  : dg_cl_ops_forward(task->ops[choice], &task->buffers, &step, err);
}

/* The results of the last run: d_in follows the weights' gradient if there is one. */
static float *read_results(dg_cl_task *task, size_t *count, dg_error *err) {
  const bool d_in = task->job->backward && task->job->d_in;
  const size_t more = d_in ? sizes_of(task->job).in : 0;
  const dg_op_buffers *b = &task->buffers;
  *count = task->result + more;
  float *results = malloc(*count * sizeof *results);
  if (!results) return dg_fail_memory(err, *count * sizeof *results), NULL;
  if (dg_cl_buffer_read(task->job->backward ? b->d_param[0] : b->out[0], 0, results,
                        task->result * sizeof *results, err) &&
      (!d_in ||
       dg_cl_buffer_read(b->d_in[0], 0, results + task->result, more * sizeof *results, err)))
    return results;
  free(results);
  return NULL;
}

bool dg_cl_task_check(dg_cl_device *device, dg_cl_task *task, size_t choice, bool *same,
                      dg_error *err) {
  size_t count;
  if (!run(task, choice, false, err) || (task->job->backward && !run(task, choice, true, err)) ||
      !dg_cl_finish(&device->base, err))
    return false;
  float *results = read_results(task, &count, err);
  if (!results) return false;
  *same = !task->expected || memcmp(results, task->expected, count * sizeof *results) == 0;
  if (task->expected)
    free(results);
  else
    task->expected = results;
  return true;
}

static bool run_many(dg_cl_device *device, dg_cl_task *task, size_t choice, uint32_t runs,
                     double *seconds, dg_error *err) {
  const double begun = dg_seconds();
  for (uint32_t i = 0; i < runs; i++)
    if (!run(task, choice, task->job->backward, err)) return false;
  if (!dg_cl_finish(&device->base, err)) return false;
  *seconds = (dg_seconds() - begun) / runs;
  return true;
}

bool dg_cl_task_time(dg_cl_device *device, dg_cl_task *task, size_t choice, dg_error *err) {
  static const double burst = 5e-3; /* seconds, approximately */
  double seconds;
  if (task->repeats == 0) {
    if (!run_many(device, task, choice, 2, &seconds, err)) return false;
    task->repeats = seconds < burst ? (uint32_t)(burst / seconds) + 1 : 1;
  }
  if (!run_many(device, task, choice, task->repeats, &seconds, err)) return false;
  if (task->best[choice] == 0 || seconds < task->best[choice]) task->best[choice] = seconds;
  return true;
}
