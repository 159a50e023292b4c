/** The benchmarks for tuning: ops as in the model zoo, each dominated by one kernel. */
#ifndef DG_OPENCL_TUNE_JOB_H
#define DG_OPENCL_TUNE_JOB_H

#include "backends/opencl/runtime/tuning.h"

/** What is tuned: one of the tiles, or whether CLBlast computes large linear layers. */
enum { DG_CL_CHOOSE_LINEAR = DG_CL_TILED, DG_CL_PARAMETERS };

/** Choices of a parameter; and the index of the op with the final choice, after them. */
enum { DG_CL_MOST_CHOICES = 8, DG_CL_CHOSEN = DG_CL_MOST_CHOICES, DG_CL_TUNE_OPS };

/** A linear layer or a convolution that keeps the size of its images; forward (or backward) is
    dominated by one kernel. */
typedef struct {
  int parameter;
  uint32_t n, from, to;  /**< samples; numbers or channels; units or filters */
  uint32_t side, kernel; /**< of the images and windows; 0: a linear layer */
  bool backward, d_in;   /**< d_in: include the gradient of the input */
} dg_cl_job;

extern const dg_cl_job dg_cl_jobs[];
extern const size_t dg_cl_job_count;

/** A job with its memory, and its op prepared with each of the choices. */
typedef struct {
  const dg_cl_job *job;
  dg_op *ops[DG_CL_TUNE_OPS]; /**< NULL: none, or preparing it failed */
  dg_op_buffers buffers;
  size_t result;               /**< numbers of the output, or of the weights' gradient */
  float *expected;             /**< results of the first op; NULL: none has run yet */
  uint32_t repeats;            /**< runs that are timed together */
  double operations;           /**< operations of a run */
  double best[DG_CL_TUNE_OPS]; /**< seconds per run */
} dg_cl_task;

/** Prepares the job's op with the current settings of the device. */
bool dg_cl_task_prepare(dg_cl_device *device, dg_cl_task *task, size_t choice, dg_error *err);

/** Allocates and initializes the memory of a job for all prepared ops. */
bool dg_cl_task_open(dg_cl_device *device, dg_cl_task *task, dg_error *err);
void dg_cl_task_close(dg_cl_device *device, dg_cl_task *task);

/** Runs an op and checks that its results are bitwise those of the first that ran. The device must
    have the same settings as when it was prepared, here and below. */
bool dg_cl_task_check(dg_cl_device *device, dg_cl_task *task, size_t choice, bool *same,
                      dg_error *err);

/** Times some runs of an op, and records the best time so far. */
bool dg_cl_task_time(dg_cl_device *device, dg_cl_task *task, size_t choice, dg_error *err);

#endif
