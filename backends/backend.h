/**
 * The backend interface: how ops run, and nothing of what they are for.
 *
 * An op is *described* (dg_op_desc: kind, shapes, attributes, what is fused to
 * its end), *prepared* once (the backend compiles, picks tiles and says what
 * memory it wants), and *run* every step on buffers. A layer op is prepared as
 * forward and backward together. Everything but the number of samples is known
 * when an op is prepared.
 *
 * Running an op enqueues it: it returns at once, keeps the order of the calls
 * and allocates nothing. Only `read` and `finish` wait. All numbers are
 * float32 unless a line says otherwise, all tensors dense and row-major; a
 * shape in brackets is given from the slowest to the fastest dimension, n is
 * the number of samples.
 *
 * A backend knows no model, no layer and no file. It is single-threaded
 * towards its caller: one thread at a time uses a device.
 */
#ifndef DG_BACKEND_H
#define DG_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/base/trial.h"

/* ---- what an op is ------------------------------------------------------ */

enum { DG_MAX_IN = 8, DG_MAX_OUT = 3, DG_MAX_PARAM = 8, DG_MAX_STATE = 2 };

typedef enum {
  /* layer ops: forward and backward */
  DG_OP_LINEAR,
  DG_OP_CONV2D,
  DG_OP_MAXPOOL2D,
  DG_OP_AVGPOOL2D,
  DG_OP_ACTIVATION,
  DG_OP_DROPOUT,
  DG_OP_CHW_TO_HWC,
  DG_OP_ADD,
  DG_OP_CONCAT,
  DG_OP_CONV1D,
  DG_OP_BATCH_NORM,
  DG_OP_LAYER_NORM,
  DG_OP_RECURRENT,
  /* step ops: forward alone */
  DG_OP_GATHER,
  DG_OP_LOSS,
  DG_OP_UPDATE,
  DG_OP_AVERAGE,
  DG_OP_KINDS
} dg_op_kind;

typedef enum {
  DG_ACT_NONE,
  DG_ACT_RELU,       /**< max(x, 0); derivative 0 at 0 */
  DG_ACT_LEAKY_RELU, /**< x > 0 ? x : slope * x, slope > 0; derivative slope at 0 */
  DG_ACT_SIGMOID,    /**< 1 / (1 + exp(-x)) */
  DG_ACT_TANH,
} dg_act_kind;

typedef struct {
  dg_act_kind kind;
  float slope; /**< of DG_ACT_LEAKY_RELU */
} dg_act;

/**
 * A dropout fused to an op's end: what DG_OP_DROPOUT does to its output, with the same words. It
 * comes behind a ReLU only, so that backward sees in the output (above 0) what was kept.
 */
typedef struct {
  float rate; /**< 0: none */
  uint32_t stream;
} dg_drop;

/** in [n, in], param {weight [out, in], bias [out]}, out [n, out] = drop(act(in weight^T + bias)).
 */
typedef struct {
  uint32_t in, out;
  bool bias;
  dg_act act;   /**< fused to the end */
  dg_drop drop; /**< fused behind act */
} dg_linear_desc;

/**
 * in [n, channels, height, width], param {weight [filters, channels, kernel_h, kernel_w],
 * bias [filters]}, out [n, filters, out_h, out_w] = act(in correlated with weight + bias);
 * out_h = (height + 2 pad_h - kernel_h) / stride_h + 1, rounded down; zero padding. With `pool` the
 * maximum of each pool x pool window of that is taken, as DG_OP_MAXPOOL2D does without padding and
 * with strides of pool: out is [n, filters, out_h / pool, out_w / pool], rounded down. With
 * `moments` a training step also writes out[1] [n, filters, 2]: of each plane of out the mean and
 * the sum of squared deviations from it.
 */
typedef struct {
  uint32_t channels, height, width, filters;
  uint32_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
  bool bias;
  dg_act act;    /**< fused to the end */
  uint32_t pool; /**< fused behind act; 0: none */
  dg_drop drop;  /**< fused behind both */
  bool moments;  /**< of out are written too */
} dg_conv2d_desc;

/**
 * in [n, channels, height, width], out [n, channels, out_h, out_w], sizes as for conv2d;
 * padding is at most half the kernel. The maximum ignores the padding, its gradient goes to the
 * first largest element in row-major order, and a NaN in the window wins. The average divides by
 * kernel_h * kernel_w, the padding counting as zeros.
 */
typedef struct {
  uint32_t channels, height, width;
  uint32_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
} dg_pool2d_desc;

/** in [n, count], out [n, count] = act(in). */
typedef struct {
  uint32_t count;
  dg_act act;
} dg_activation_desc;

/**
 * in [n, count], out [n, count]. Testing: a copy. Training: element e of sample s is dropped
 * when its word w of Philox is below floor(rate * 2^32), else multiplied by 1 / (1 - rate);
 * w = word e % 4 of counter {e / 4, place + s, step, 0} under key {seed, stream}.
 */
typedef struct {
  uint32_t count;
  float rate;      /**< 0 <= rate < 1 */
  uint32_t stream; /**< dg_stream(DG_STREAM_DROPOUT, layer) */
} dg_dropout_desc;

/** in [n, channels, height, width], out [n, height, width, channels]. */
typedef struct {
  uint32_t channels, height, width;
} dg_chw_desc;

/** `inputs` tensors in [n, count], out [n, count] = their sum. */
typedef struct {
  uint32_t count, inputs; /**< 2 <= inputs <= DG_MAX_IN */
} dg_add_desc;

/** Input k in [n, rows, count[k]], out [n, rows, sum of count]: their rows one after the other. */
typedef struct {
  uint32_t rows, inputs, count[DG_MAX_IN]; /**< 2 <= inputs <= DG_MAX_IN */
} dg_concat_desc;

/**
 * in [n, steps, in], param {weight [filters, in, kernel], bias [filters]},
 * out [n, out_steps, filters] = act(in correlated with weight + bias);
 * out_steps = (steps + 2 pad - kernel) / stride + 1, rounded down; zero padding.
 */
typedef struct {
  uint32_t steps, in, filters, kernel, stride, pad;
  bool bias;
  dg_act act; /**< fused to the end */
} dg_conv1d_desc;

/**
 * in [n, rows, channels, plane], param {weight [channels], bias [channels]},
 * state {running_mean [channels], running_var [channels]}, out as in.
 * Training: out = act((in - mean) / sqrt(var + eps) weight + bias) with the mean and the biased
 * variance of each channel over n, rows and plane; running = (1 - momentum) running +
 * momentum now, where the variance is now the unbiased one (of a single number: both stay).
 * Testing: mean and variance are the running ones. (Ioffe and Szegedy, arXiv:1502.03167;
 * torch.nn.BatchNorm1d and 2d.)
 * With `moments` (rows 1) training takes mean and variance from in[1] [n, channels, 2], which has
 * mean and sum of squared deviations of each plane of in[0], as conv2d writes them; backward goes
 * to d_in[0] alone, the moments being made of in[0].
 */
typedef struct {
  uint32_t rows, channels, plane;
  float momentum, eps;
  dg_act act;   /**< fused to the end */
  bool moments; /**< are given */
} dg_batch_norm_desc;

/**
 * in [n, rows, count], param {weight [count], bias [count]}, out as in: each row minus its mean,
 * divided by sqrt(its biased variance + eps), times weight, plus bias (Ba, Kiros and Hinton,
 * arXiv:1607.06450; torch.nn.LayerNorm).
 */
typedef struct {
  uint32_t rows, count;
  float eps;
} dg_layer_norm_desc;

typedef enum {
  DG_CELL_RNN,  /**< h' = tanh(W x + b + U h + c): 1 gate */
  DG_CELL_GRU,  /**< gates r, z, n: see dg_recurrent_desc */
  DG_CELL_LSTM, /**< gates i, f, g, o: c' = f c + i g, h' = o tanh(c'); g by tanh */
} dg_cell_kind;

enum { DG_MAX_GATES = 4 };
/** Gates of a cell. */
static inline uint32_t dg_cell_gates(dg_cell_kind cell) {
  static const uint32_t gates[] = {1, 3, 4};
  return gates[cell];
}

/**
 * A recurrent layer over all steps, from a state of zeros. in [n, steps, in], param, G being the
 * gates of the cell: {W: weight_ih [G hidden, in], U: weight_hh [G hidden, hidden],
 * b: bias_ih [G hidden] if biases >= 1, c: bias_hh [G hidden] if biases == 2}, and, if
 * bidirectional, as many again for a second pass from the last step to the first.
 *
 * out [n, steps, D hidden] if `sequence` (the second direction's state at a step stands behind
 * the first's), else [n, D hidden], the state after the last step each direction took; D is 2 if
 * bidirectional, else 1.
 *
 * With s the sigmoid, or clip(0.2 x + 0.5, 0, 1) if hard_sigmoid, the GRU is
 *   r = s(W_r x + b_r + U_r h + c_r), z = s(W_z x + b_z + U_z h + c_z), h' = (1 - z) n + z h,
 *   n = tanh(W_n x + b_n + r (U_n h + c_n)), or, if reset_before (Cho et al., arXiv:1406.1078),
 *   n = tanh(W_n x + b_n + U_n (r h) + c_n),
 * and the LSTM's i, f and o are s of W x + b + U h + c (Hochreiter and Schmidhuber, 1997;
 * torch.nn.GRU, LSTM and RNN).
 */
typedef struct {
  dg_cell_kind cell;
  uint32_t steps, in, hidden;
  uint32_t biases; /**< 0, 1 or 2 */
  bool sequence, bidirectional;
  bool hard_sigmoid; /**< gru and lstm */
  bool reset_before; /**< gru */
} dg_recurrent_desc;

/**
 * How a gathered image is bent in a training step; all 0: not at all. Sample s draws five numbers
 * u0..u4 uniform in [-1, 1): 2 * dg_uniform(w) - 1 of the words of the counters
 * {0, place + s, step, 0} and {1, place + s, step, 0} under key {seed,
 * dg_stream(DG_STREAM_AUGMENT, 0)}. A pixel at p = (x, y), seen from the image's centre
 * ((width - 1) / 2, (height - 1) / 2), shows what was at
 *   q = H^-1 R^-1 (p - t) / k: t = (u3 shift width, u4 shift height), k = 1 + u1 scale,
 *   R a rotation by u0 rotate, H = [1, tan(u2 shear); 0, 1],
 * read bilinearly, with byte 0 outside of the image.
 */
typedef struct {
  float rotate; /**< largest angle, radians */
  float shift;  /**< largest way, as a share of the image's size */
  float scale;  /**< largest growth, below 1 */
  float shear;  /**< largest angle, radians, below pi / 2 */
} dg_augment;

/**
 * in {images: bytes [all, height, width], labels: bytes [all], order: uint32 [..]},
 * out {x [n, height * width], labels: uint32 [n]}: sample s of the batch is image
 * i = order[first + s], augmented if step.train; x = (byte / 255 - mean) / std.
 */
typedef struct {
  uint32_t height, width;
  float mean, std;
  dg_augment augment;
} dg_gather_desc;

typedef enum {
  /** mean over n of log(sum(exp(logits))) - sum(q logits): q = (1 - smoothing) onehot(label) +
      smoothing / classes */
  DG_LOSS_CROSS_ENTROPY,
  DG_LOSS_MSE, /**< mean over n * classes of (logits - onehot(label))^2 */
} dg_loss_kind;

/**
 * in {logits [n, classes], labels: uint32 [n]}, out {d_logits [n, classes], losses [slots],
 * correct: uint32 [slots]}. Writes losses[slot] (the mean) and correct[slot] (samples whose first
 * largest logit is their label's); d_logits, the loss's gradient, only when step.train is set. Of a
 * batch that is split the mean is over the whole: what its parts write adds up to it.
 * out[0] may be NULL for a network that only tests.
 */
typedef struct {
  dg_loss_kind kind;
  uint32_t classes;
  float smoothing; /**< of the labels, 0 <= smoothing < 1; cross_entropy alone */
} dg_loss_desc;

typedef enum {
  DG_SGD,      /**< state {momentum buffer}, or none when momentum is 0 */
  DG_ADAM,     /**< state {m, v} */
  DG_ADADELTA, /**< state {square average, accumulated delta} */
} dg_optimizer_kind;

/**
 * One step of an optimizer over all parameters, by PyTorch's formulas (torch.optim.SGD, Adam,
 * AdamW when `decoupled`, Adadelta). in {gradients [count]}, out {parameters [count],
 * state [arrays, count] in the order named at the kind, fault: uint32 [2]}; the number of
 * samples is ignored, step.lr and step.step (from 0) count.
 *
 * clip_norm > 0: gradients are first multiplied by min(1, clip_norm / (norm + 1e-6)), norm
 * being the Euclidean norm of all of them (torch.nn.utils.clip_grad_norm_).
 *
 * fault starts as {0, 0xffffffff}. An element whose gradient is not finite is not written;
 * fault becomes {step + 1, the smallest such element}, and every later step is skipped.
 */
typedef struct {
  dg_optimizer_kind kind;
  uint32_t count; /**< a multiple of 16 */
  /** Where each of `parts` parameters ends in [0, count), the gap behind it included; the last ends
      at count. The caller's, for as long as the op. It changes nothing of what is computed: threads
      that share out every part alike find the numbers whose gradients they wrote. */
  const uint32_t *ends;
  uint32_t parts; /**< 0: nothing is known of them */
  float momentum; /**< sgd */
  bool nesterov;  /**< sgd */
  float beta1, beta2;
  float rho;
  float eps;
  float weight_decay;
  bool decoupled;  /**< adam: weight decay as AdamW's */
  float clip_norm; /**< 0: none */
} dg_update_desc;

/**
 * A moving average: in {values [count]}, out {average [count]}:
 * average = step.decay average + (1 - step.decay) values. The number of samples is ignored.
 */
typedef struct {
  uint32_t count; /**< a multiple of 16 */
} dg_average_desc;

/** What backward does with the gradient of an input. */
typedef enum { DG_GRAD_NONE, DG_GRAD_WRITE, DG_GRAD_ADD } dg_grad_mode;

typedef struct {
  dg_op_kind kind;
  dg_grad_mode d_in[DG_MAX_IN]; /**< layer ops; parameter gradients are always written */
  union {
    dg_linear_desc linear;
    dg_conv2d_desc conv2d;
    dg_pool2d_desc pool2d;
    dg_activation_desc activation;
    dg_dropout_desc dropout;
    dg_chw_desc chw;
    dg_add_desc add;
    dg_concat_desc concat;
    dg_conv1d_desc conv1d;
    dg_batch_norm_desc batch_norm;
    dg_layer_norm_desc layer_norm;
    dg_recurrent_desc recurrent;
    dg_gather_desc gather;
    dg_loss_desc loss;
    dg_update_desc update;
    dg_average_desc average;
  };
} dg_op_desc;

/** Output size of a convolution or pooling along one dimension; 0 where the kernel doesn't fit, or
    no 32 bits hold it. */
static inline uint32_t dg_window_out(uint32_t size, uint32_t kernel, uint32_t stride,
                                     uint32_t pad) {
  uint64_t padded = size + 2 * (uint64_t)pad;
  if (stride == 0 || padded < kernel) return 0;
  uint64_t out = (padded - kernel) / stride + 1;
  return out <= UINT32_MAX ? (uint32_t)out : 0;
}

/* ---- what an op runs on ------------------------------------------------- */

/** Memory of a device, or a view into it. */
typedef struct dg_buffer dg_buffer;

/**
 * The buffers of one op. `d_` is the gradient of what it is named after; an op reads and writes
 * only what its description names. Where needs.kept (or a workspace) is 0, that buffer is NULL.
 * Buffers are disjoint, each large enough for the largest n.
 */
typedef struct {
  dg_buffer *in[DG_MAX_IN], *d_in[DG_MAX_IN];
  dg_buffer *out[DG_MAX_OUT], *d_out;
  dg_buffer *param[DG_MAX_PARAM], *d_param[DG_MAX_PARAM];
  dg_buffer *state[DG_MAX_STATE]; /**< not learned: read, and written by a training forward */
  dg_buffer *kept;                /**< written by a training forward, read by backward */
  dg_buffer *workspace;           /**< forward's or backward's, whichever runs; content undefined */
} dg_op_buffers;

/** The scalars of one step; everything that changes from run to run. */
typedef struct {
  uint32_t n;     /**< samples, 0 < n <= the n prepared for */
  bool train;     /**< a training step: dropout on, kept written, gradients follow */
  uint32_t seed;  /**< of the run */
  uint32_t step;  /**< training steps before this one */
  uint32_t place; /**< of the first sample in the whole batch; 0 unless a batch is split */
  uint32_t whole; /**< loss: samples of the whole batch, if it is split; 0: n */
  uint32_t first; /**< gather: place of the first sample in `order` */
  uint32_t slot;  /**< loss: where to write */
  float lr;       /**< update */
  float decay;    /**< average */
} dg_step;

/** Samples that the loss of a step is the mean of. */
static inline uint32_t dg_loss_samples(const dg_step *step) {
  return step->whole ? step->whole : step->n;
}

/** What a prepared op wants, in bytes for the largest n. */
typedef struct {
  size_t kept, forward_workspace, backward_workspace;
  bool backward_reads_in;  /**< the inputs must live until backward */
  bool backward_reads_out; /**< the output must live until backward */
} dg_op_needs;

/** Seconds an op took since it was prepared; all 0 on a device opened without `profile`. */
typedef struct {
  double forward, backward;
  uint64_t forward_runs, backward_runs;
} dg_op_times;

/** A prepared op; every backend's own struct starts with it. */
typedef struct dg_op {
  dg_op_desc desc;
  dg_op_needs needs;
  uint32_t max_n;
} dg_op;

/* ---- devices ------------------------------------------------------------ */

typedef struct {
  char name[128];
  char platform[128]; /**< empty where there is none */
  char version[128];
  char driver[128];
  uint32_t compute_units;
  uint64_t memory;    /**< bytes */
  uint64_t max_alloc; /**< bytes of the largest buffer */
  uint32_t alignment; /**< of the offset of a view, in bytes; a multiple of 64 */
  bool gpu;
  char tuned[96]; /**< what measuring chose otherwise than by default, for people; else empty */
} dg_device_info;

typedef struct {
  const char *device; /**< number in the list, or part of the name, any case; NULL: the first */
  uint32_t threads;   /**< 0: all; a backend whose device has no such setting refuses it */
  const char *form;   /**< kernel form to force, one of dg_backend's `forms`; NULL: by device */
  bool profile;       /**< measure the time of each op */
} dg_open_options;

typedef struct dg_device dg_device;

/** What every backend gives for its devices. */
typedef struct {
  void (*close)(dg_device *device); /**< after every op and buffer of it is freed */

  /** New zeroed memory of `bytes` > 0. Too little memory: DG_ERR_MEMORY with the remedy. */
  dg_buffer *(*buffer_new)(dg_device *device, size_t bytes, dg_error *err);
  /** A part of a buffer that isn't a view; offset a multiple of info.alignment. It is freed
      before its parent. */
  dg_buffer *(*buffer_view)(dg_buffer *parent, size_t offset, size_t bytes, dg_error *err);
  void (*buffer_free)(dg_buffer *buffer); /**< NULL is allowed */
  /** Copies host memory in; the memory may be reused on return. */
  bool (*write)(dg_buffer *buffer, size_t offset, const void *from, size_t bytes, dg_error *err);
  /** Waits for all that was enqueued before, then copies out. */
  bool (*read)(dg_buffer *buffer, size_t offset, void *to, size_t bytes, dg_error *err);
  /** Waits for all that was enqueued, and reports what failed in it. */
  bool (*finish)(dg_device *device, dg_error *err);

  /** Can this be prepared, with all that is fused to its end? */
  bool (*supports)(const dg_device *device, const dg_op_desc *desc);
  /** Prepares an op for up to max_n samples; `train`: backward will be run too. The parameters of
      an op that is not trained change by `write` alone, so it may keep what it makes of them. */
  dg_op *(*prepare)(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                    dg_error *err);
  /** What an op prepared so would want; no memory for it is taken. */
  bool (*needs)(dg_device *device, const dg_op_desc *desc, uint32_t max_n, bool train,
                dg_op_needs *needs, dg_error *err);
  void (*op_free)(dg_op *op); /**< NULL is allowed */
  bool (*forward)(dg_op *op, const dg_op_buffers *buffers, const dg_step *step, dg_error *err);
  /** Layer ops: from d_out to d_in (as desc.d_in says) and d_param (written). */
  bool (*backward)(dg_op *op, const dg_op_buffers *buffers, const dg_step *step, dg_error *err);
  bool (*times)(dg_op *op, dg_op_times *times, dg_error *err);

  /**
   * Measures the tiles that its kernels can have, takes the fastest from now on, and keeps them for
   * those who open the device later. No tile changes a result; where another library
   * may do the products of linear layers, that choice does, and info tells it. Writes up to
   * `room` trials to `out`, those of a kernel together, and to `count` how many there were; `kept`:
   * could they be kept? No op of the device is prepared then. NULL: there is nothing to choose.
   */
  bool (*tune)(dg_device *device, dg_trial *out, size_t room, size_t *count, bool *kept,
               dg_error *err);
} dg_device_calls;

/** An open device; every backend's own struct starts with it. */
struct dg_device {
  const dg_device_calls *calls;
  const char *backend;
  dg_device_info info;
};

/** A backend: a name, its devices, and how to open one. */
typedef struct {
  const char *name;
  /** Forms that its kernels are written in, ended by NULL. A device may lack some of them:
      DG_ERR_UNSUPPORTED where it is opened with one. */
  const char *const *forms;
  /** Fills `infos` with up to `room` devices and `count` with how many there are (0 is no error).
   */
  bool (*list)(dg_device_info *infos, size_t room, size_t *count, dg_error *err);
  dg_device *(*open)(const dg_open_options *options, dg_error *err);
} dg_backend;

/** The backends built into this library, best first; ended by NULL. */
const dg_backend *const *dg_backends(void);

/**
 * Which of `count` devices `wanted` means: a number, or part of exactly one name in any case;
 * NULL means 0. Returns the index, or -1 with an error that lists what there is.
 */
long dg_pick_device(const dg_device_info *infos, size_t count, const char *wanted, dg_error *err);

#endif
