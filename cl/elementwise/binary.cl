/* Functions of two tensors, one of which may be repeated along some dimensions. */

/* The dg_binary_kind of core/op. */
enum { BINARY_ADD, BINARY_SUBTRACT, BINARY_MULTIPLY, BINARY_DIVIDE };

/* The sizes of backends/opencl/elementwise/binary.c: of the output and of both inputs. */
typedef struct {
  uint out[3], in[2][3];
} binary_sizes;

/* Where input k has the row (i, j) of a sample. */
inline size_t row_of(constant binary_sizes *s, uint k, uint sample, uint i, uint j) {
  constant uint *dim = s->in[k];
  const size_t first = (size_t)sample * dim[0] + (dim[0] > 1 ? i : 0);
  return (first * dim[1] + (dim[1] > 1 ? j : 0)) * dim[2];
}

/* The numbers of such a row from column c on, or its one number. */
inline floatw load_operand(global const float *x, constant binary_sizes *s, uint k, uint sample,
                           uint i, uint j, uint c) {
  global const float *row = x + row_of(s, k, sample, i, j);
  return s->in[k][2] < s->out[2] ? (floatw)(*row) : load_block(row + c, s->out[2] - c);
}

/* y = a with b: WIDTH columns of a row. */
kernel void binary_forward(global const float *a, global const float *b, global float *y,
                           constant binary_sizes *s, uint rows, uint kind) {
  const uint c = get_global_id(0) * WIDTH, row = get_global_id(1), width = s->out[2];
  if (c >= width || row >= rows) return;
  const uint j = row % s->out[1], i = row / s->out[1] % s->out[0];
  const uint sample = row / s->out[1] / s->out[0];
  const floatw left = load_operand(a, s, 0, sample, i, j, c),
               right = load_operand(b, s, 1, sample, i, j, c);
  const floatw value = kind == BINARY_ADD        ? left + right
                       : kind == BINARY_SUBTRACT ? left - right
                       : kind == BINARY_MULTIPLY ? left * right
                                                 : left / right;
  store_block(value, y + (size_t)row * width + c, width - c);
}

/* What WIDTH columns of a row of the output add to the gradient of input k; 0 beyond the row. */
inline floatw binary_gradient(global const float *dy, global const float *a, global const float *b,
                              constant binary_sizes *s, uint kind, uint k, uint sample, uint i,
                              uint j, uint c) {
  const size_t row = ((size_t)sample * s->out[0] + i) * s->out[1] + j;
  const uint left = s->out[2] - c;
  const floatw g = load_block(dy + row * s->out[2] + c, left);
  if (kind == BINARY_ADD || (kind == BINARY_SUBTRACT && k == 0)) return g;
  if (kind == BINARY_SUBTRACT) return -g;
  if (kind == BINARY_MULTIPLY)
    return g * (k ? load_operand(a, s, 0, sample, i, j, c) : load_operand(b, s, 1, sample, i, j, c));
  global const float *divisors = b + row_of(s, 1, sample, i, j);
  const floatw divisor = s->in[1][2] < s->out[2] ? (floatw)(*divisors)
                                                 : load_block_or(divisors + c, left, 1.0f);
  if (k == 0) return g / divisor;
  return -g * (load_operand(a, s, 0, sample, i, j, c) / divisor / divisor);
}

/* Of input k, which isn't repeated along its rows: WIDTH columns of one of its rows. */
kernel void binary_backward_row(global const float *dy, global const float *a,
                                global const float *b, global float *dx, constant binary_sizes *s,
                                uint rows, uint kind, uint k, uint add) {
  const uint c = get_global_id(0) * WIDTH, row = get_global_id(1), width = s->out[2];
  if (c >= width || row >= rows) return;
  constant uint *dim = s->in[k];
  const uint first_j = row % dim[1], first_i = row / dim[1] % dim[0];
  const uint sample = row / dim[1] / dim[0];
  const uint end_i = dim[0] < s->out[0] ? s->out[0] : first_i + 1,
             end_j = dim[1] < s->out[1] ? s->out[1] : first_j + 1;
  floatw sum = 0.0f;
  for (uint i = first_i; i < end_i; i++)
    for (uint j = first_j; j < end_j; j++)
      sum += binary_gradient(dy, a, b, s, kind, k, sample, i, j, c);
  store_gradient(sum, dx + (size_t)row * width + c, width - c, add);
}

/* Of input k, which is repeated along the rows: GROUP work-items sum up what one of its numbers
 * meets.
 */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
binary_backward_sum(global const float *dy, global const float *a, global const float *b,
                    global float *dx, constant binary_sizes *s, uint kind, uint k, uint add) {
  local float shared[GROUP];
  const uint row = get_global_id(1);
  constant uint *dim = s->in[k];
  const uint first_j = row % dim[1], first_i = row / dim[1] % dim[0];
  const uint sample = row / dim[1] / dim[0];
  const uint end_i = dim[0] < s->out[0] ? s->out[0] : first_i + 1,
             end_j = dim[1] < s->out[1] ? s->out[1] : first_j + 1;
  floatw sum = 0.0f;
  for (uint i = first_i; i < end_i; i++)
    for (uint j = first_j; j < end_j; j++)
      for (uint c = get_local_id(0) * WIDTH; c < s->out[2]; c += GROUP * WIDTH)
        sum += binary_gradient(dy, a, b, s, kind, k, sample, i, j, c);
  const float total = sum_of_group(add_lanes(sum), shared);
  if (get_local_id(0) == 0) dx[row] = add ? dx[row] + total : total;
}
