/* Attention (core/op/attention/attention.h) by blocks of scores, which are used at once (Dao et al.,
 * FlashAttention, arXiv:2205.14135): a work-group of GROUP work-items takes ROWS rows of a head,
 * and SPAN columns at a time. The scores of a row are products with tensors that are turned first,
 * [n heads, width, padded], so that WIDTH columns lie side by side; 0 beyond the length of a sample.
 */
#define ROWS 6
#if GROUP > 1
#define SPAN (GROUP * WIDTH)
#else
#define SPAN 128
#endif

/* The sizes of backends/opencl/attention/attention.c. */
typedef struct {
  uint steps, padded, heads, width, causal;
} attention;

/* One head of a sample. */
typedef struct {
  uint length;
  uint in_row, out_row; /* numbers of a step */
  float scale;
  size_t in, out;       /* where its first query begins, and its first output */
  size_t turned, first; /* in turned tensors, and in those with a number a query */
} head;

inline head head_of(constant attention *s, global const float *lengths, uint z) {
  head h;
  const uint sample = z / s->heads, number = z % s->heads;
  h.length = s->steps;
  if (lengths) {
    const float own = lengths[sample];
    h.length = !(own > 0.0f) ? 0 : own < (float)s->steps ? (uint)own : s->steps;
  }
  h.out_row = s->heads * s->width;
  h.in_row = 3 * h.out_row;
  h.scale = 1.0f / sqrt((float)s->width);
  h.in = (size_t)sample * s->steps * h.in_row + number * s->width;
  h.out = (size_t)sample * s->steps * h.out_row + number * s->width;
  h.turned = (size_t)z * s->width * s->padded;
  h.first = (size_t)z * s->steps;
  return h;
}

/* Numbers of a turned tensor of `all` heads. */
inline size_t turned_size(constant attention *s, uint all) {
  return (size_t)all * s->width * s->padded;
}

/* to[which][z][f][step] = the query, key or value (part 0, 1, 2) of a step of x; or, if x is as the
   output, its numbers (part 3). */
kernel void attention_turn(global const float *x, global const float *lengths, global float *to,
                           constant attention *s, uint part, uint which, uint all) {
  const uint step = get_global_id(0) * WIDTH, f = get_global_id(1), z = get_global_id(2);
  if (step >= s->padded || f >= s->width || z >= all) return;
  const head h = head_of(s, lengths, z);
  const uint row = part < 3 ? h.in_row : h.out_row;
  global const float *from = x + (part < 3 ? h.in + part * h.out_row : h.out) + f;
  float numbers[WIDTH];
  for (uint i = 0; i < WIDTH; i++)
    numbers[i] = step + i < h.length ? from[(size_t)(step + i) * row] : 0.0f;
  to += which * turned_size(s, all) + h.turned + (size_t)f * s->padded + step;
  vstore_w(vload_w(0, numbers), 0, to);
}

/* sums[r] = the products of row r of `a` with WIDTH columns of a turned tensor; rows past the last
   of `rows` repeat it. */
__attribute__((always_inline)) inline void products(floatw sums[ROWS], global const float *a,
                                                    uint a_row, uint rows,
                                                    global const float *turned, uint padded,
                                                    uint width) {
  global const float *lines[ROWS];
#pragma unroll
  for (uint r = 0; r < ROWS; r++) {
    lines[r] = a + (size_t)min(r, rows - 1) * a_row;
    sums[r] = 0.0f;
  }
  for (uint f = 0; f < width; f++) {
    const floatw b = vload_w(0, turned + (size_t)f * padded);
#pragma unroll
    for (uint r = 0; r < ROWS; r++) {
      const floatw factor = lines[r][f];
      sums[r] = MULTIPLY_ADD(factor, b, sums[r]);
    }
  }
}

/* Row r of `to` = itself times factors[r], or 0 if `fresh`, + the sum over j < count of
   weights[r][j] times row j of `from`. */
__attribute__((always_inline)) inline void
accumulate(local const float *weights, uint count, global const float *from, uint from_row,
           global float *to, uint to_row, uint rows, uint width, const float factors[ROWS],
           bool fresh) {
  for (uint f = get_local_id(0) * WIDTH; f < width; f += GROUP * WIDTH) {
    floatw sums[ROWS];
#pragma unroll
    for (uint r = 0; r < ROWS; r++) sums[r] = 0.0f;
    for (uint j = 0; j < count; j++) {
      const floatw b = load_block(from + (size_t)j * from_row + f, width - f);
#pragma unroll
      for (uint r = 0; r < ROWS; r++) {
        const floatw factor = weights[r * SPAN + j];
        sums[r] = MULTIPLY_ADD(factor, b, sums[r]);
      }
    }
    for (uint r = 0; r < rows; r++) {
      global float *at = to + (size_t)r * to_row + f;
      store_block(fresh ? sums[r] : MULTIPLY_ADD(load_block(at, width - f), (floatw)(factors[r]),
                                                 sums[r]),
                  at, width - f);
    }
  }
}

/* Rows of 0. */
inline void clear_rows(global float *to, uint row, uint begin, uint end, uint width) {
  for (uint r = begin; r < end; r++)
    for (uint f = get_local_id(0) * WIDTH; f < width; f += GROUP * WIDTH)
      store_block(0.0f, to + (size_t)r * row + f, width - f);
}

inline float largest_of_group(floatw value, float least, local float *shared) {
  float lanes[WIDTH];
  vstore_w(value, 0, lanes);
  for (uint i = 0; i < WIDTH; i++) least = fmax(least, lanes[i]);
#if GROUP > 1
  const uint item = get_local_id(0);
  barrier(CLK_LOCAL_MEM_FENCE);
  shared[item] = least;
  for (uint half_ = GROUP / 2; half_ > 0; half_ /= 2) {
    barrier(CLK_LOCAL_MEM_FENCE);
    if (item < half_) shared[item] = fmax(shared[item], shared[item + half_]);
  }
  barrier(CLK_LOCAL_MEM_FENCE);
  return shared[0];
#else
  return least;
#endif
}

/* Waits for the group, which shares the weights. */
inline void wait_for_group(void) {
#if GROUP > 1
  barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
#endif
}

/* Numbers of columns from `first` on that lie in [begin, end). */
inline intw inside(uint first, uint begin, uint end) {
  const intw column = convert_intw(first + lane_numbers());
  return column >= (intw)((int)begin) & column < (intw)((int)end);
}

/* ---- forward ------------------------------------------------------------ */

/* The end of the keys that row r of the queries from `query` on sees. */
inline uint keys_of(const head *h, constant attention *s, uint query, uint r) {
  return s->causal ? min(h->length, query + r + 1) : h->length;
}

/* Makes weights of the scores of a row: exp(score - the largest so far). Returns the factor of what
   was summed before. */
inline float weigh(local float *weights, uint count, floatw top, float *most, float *sum,
                   local float *shared) {
  const float now = largest_of_group(top, *most, shared);
  const float factor = now == *most ? 1.0f : exp(*most - now);
  floatw total = 0.0f;
  for (uint k = get_local_id(0) * WIDTH; k < count; k += GROUP * WIDTH) {
    const floatw weight = exp(vload_w(0, weights + k) - now);
    vstore_w(weight, 0, weights + k);
    total += weight;
  }
  *sum = *sum * factor + sum_of_group(add_lanes(total), shared);
  *most = now;
  return factor;
}

/* out = softmax(scale q k^T) v; saved, unless it is NULL: the logarithms of the sums. */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
attention_forward(global const float *x, global const float *lengths, global const float *keys,
                  global float *out, global float *saved, constant attention *s) {
  local float weights[ROWS * SPAN], shared[GROUP];
  const uint query = get_global_id(1) * ROWS, z = get_global_id(2);
  const head h = head_of(s, lengths, z);
  const uint all = min((uint)ROWS, s->steps - query);
  const uint rows = query < h.length ? min(all, h.length - query) : 0;
  global const float *q = x + h.in + (size_t)query * h.in_row;
  global float *y = out + h.out + (size_t)query * h.out_row;
  clear_rows(y, h.out_row, rows, all, s->width);
  if (saved && get_local_id(0) == 0)
    for (uint r = rows; r < all; r++) saved[h.first + query + r] = 0.0f;
  if (rows == 0) return;
  float most[ROWS], sum[ROWS], factors[ROWS];
  for (uint r = 0; r < ROWS; r++) most[r] = -INFINITY, sum[r] = 0.0f;
  const uint end = keys_of(&h, s, query, rows - 1);
  for (uint first = 0; first < end; first += SPAN) {
    const uint count = min((uint)SPAN, end - first);
    floatw top[ROWS];
    for (uint r = 0; r < ROWS; r++) top[r] = -INFINITY;
    wait_for_group();
    for (uint k = get_local_id(0) * WIDTH; k < count; k += GROUP * WIDTH) {
      floatw scores[ROWS];
      products(scores, q, h.in_row, rows, keys + h.turned + first + k, s->padded, s->width);
      for (uint r = 0; r < ROWS; r++) {
        const intw seen = inside(first + k, 0, keys_of(&h, s, query, r));
        const floatw score = select((floatw)(-INFINITY), scores[r] * h.scale, seen);
        top[r] = fmax(top[r], score);
        vstore_w(score, 0, weights + r * SPAN + k);
      }
    }
    for (uint r = 0; r < ROWS; r++)
      factors[r] = weigh(weights + r * SPAN, count, top[r], &most[r], &sum[r], shared);
    wait_for_group();
    accumulate(weights, count, x + h.in + 2 * h.out_row + (size_t)first * h.in_row, h.in_row, y,
               h.out_row, rows, s->width, factors, first == 0);
  }
  for (uint r = 0; r < rows; r++) {
    for (uint f = get_local_id(0) * WIDTH; f < s->width; f += GROUP * WIDTH) {
      global float *at = y + (size_t)r * h.out_row + f;
      store_block(load_block(at, s->width - f) / sum[r], at, s->width - f);
    }
    if (saved && get_local_id(0) == 0) saved[h.first + query + r] = most[r] + log(sum[r]);
  }
}

/* ---- backward ----------------------------------------------------------- */

/* Behind two turned tensors, [z][step]: the sum of out d_out over a row, which is common to the
   gradients of its scores. */
kernel void attention_own(global const float *out, global const float *d_out,
                          global const float *lengths, global float *turned,
                          constant attention *s, uint all) {
  const uint step = get_global_id(0), z = get_global_id(1);
  if (step >= s->steps || z >= all) return;
  const head h = head_of(s, lengths, z);
  const size_t at = h.out + (size_t)step * h.out_row;
  floatw sum = 0.0f;
  for (uint f = 0; f < s->width && step < h.length; f += WIDTH)
    sum += load_block(out + at + f, s->width - f) * load_block(d_out + at + f, s->width - f);
  turned[2 * turned_size(s, all) + h.first + step] = add_lanes(sum);
}

/* The gradients of ROWS queries; `turned` holds keys and values. */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
attention_backward_query(global const float *x, global const float *lengths,
                         global const float *d_out, global const float *turned,
                         global const float *log_sums, global float *dx, constant attention *s,
                         uint all, uint add) {
  local float d_scores[ROWS * SPAN];
  const uint query = get_global_id(1) * ROWS, z = get_global_id(2);
  const head h = head_of(s, lengths, z);
  const uint wanted = min((uint)ROWS, s->steps - query);
  const uint rows = query < h.length ? min(wanted, h.length - query) : 0;
  const size_t at = h.in + (size_t)query * h.in_row;
  const size_t part = turned_size(s, all);
  global const float *own = turned + 2 * part + h.first;
  if (!add) clear_rows(dx + at, h.in_row, rows, wanted, s->width);
  if (rows == 0) return;
  float ones[ROWS];
  for (uint r = 0; r < ROWS; r++) ones[r] = 1.0f;
  const uint end = keys_of(&h, s, query, rows - 1);
  for (uint first = 0; first < end; first += SPAN) {
    const uint count = min((uint)SPAN, end - first);
    wait_for_group();
    for (uint k = get_local_id(0) * WIDTH; k < count; k += GROUP * WIDTH) {
      floatw scores[ROWS], gradients[ROWS];
      products(scores, x + at, h.in_row, rows, turned + h.turned + first + k, s->padded, s->width);
      products(gradients, d_out + h.out + (size_t)query * h.out_row, h.out_row, rows,
               turned + part + h.turned + first + k, s->padded, s->width);
      for (uint r = 0; r < ROWS; r++) {
        const uint row = query + min(r, rows - 1);
        const floatw weight = exp(scores[r] * h.scale - log_sums[h.first + row]);
        const floatw gradient = weight * (gradients[r] - own[row]) * h.scale;
        vstore_w(select((floatw)(0.0f), gradient,
                        inside(first + k, 0, keys_of(&h, s, query, r))),
                 0, d_scores + r * SPAN + k);
      }
    }
    wait_for_group();
    accumulate(d_scores, count, x + h.in + h.out_row + (size_t)first * h.in_row, h.in_row, dx + at,
               h.in_row, rows, s->width, ones, first == 0 && !add);
  }
}

/* The gradients of ROWS keys and their values; `turned` holds queries and d_out. */
kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void
attention_backward_key(global const float *x, global const float *lengths,
                       global const float *d_out, global const float *turned,
                       global const float *log_sums, global float *dx, constant attention *s,
                       uint all, uint add) {
  local float weights[ROWS * SPAN], d_scores[ROWS * SPAN];
  const uint key = get_global_id(1) * ROWS, z = get_global_id(2);
  const head h = head_of(s, lengths, z);
  const uint wanted = min((uint)ROWS, s->steps - key);
  const uint rows = key < h.length ? min(wanted, h.length - key) : 0;
  const size_t at = h.in + h.out_row + (size_t)key * h.in_row;
  const size_t part = turned_size(s, all);
  global const float *own = turned + 2 * part + h.first;
  if (!add) clear_rows(dx + at, h.in_row, rows, wanted, s->width);
  if (!add) clear_rows(dx + at + h.out_row, h.in_row, rows, wanted, s->width);
  if (rows == 0) return;
  float ones[ROWS];
  for (uint r = 0; r < ROWS; r++) ones[r] = 1.0f;
  const uint begin = s->causal ? key / WIDTH * WIDTH : 0;
  for (uint first = begin; first < h.length; first += SPAN) {
    const uint count = min((uint)SPAN, h.length - first);
    wait_for_group();
    for (uint k = get_local_id(0) * WIDTH; k < count; k += GROUP * WIDTH) {
      const uint query = first + k, left = s->steps - query;
      floatw scores[ROWS], gradients[ROWS];
      products(scores, x + at, h.in_row, rows, turned + h.turned + query, s->padded, s->width);
      products(gradients, x + at + h.out_row, h.in_row, rows, turned + part + h.turned + query,
               s->padded, s->width);
      const floatw log_sum = load_block(log_sums + h.first + query, left);
      const floatw common = load_block(own + query, left);
      for (uint r = 0; r < ROWS; r++) {
        const intw seen = inside(query, s->causal ? key + r : 0, h.length);
        const floatw weight = exp(scores[r] * h.scale - log_sum);
        vstore_w(select((floatw)(0.0f), weight, seen), 0, weights + r * SPAN + k);
        vstore_w(select((floatw)(0.0f), weight * (gradients[r] - common) * h.scale, seen), 0,
                 d_scores + r * SPAN + k);
      }
    }
    wait_for_group();
    accumulate(weights, count, d_out + h.out + (size_t)first * h.out_row, h.out_row,
               dx + at + h.out_row, h.in_row, rows, s->width, ones, first == begin && !add);
    accumulate(d_scores, count, x + h.in + (size_t)first * h.in_row, h.in_row, dx + at, h.in_row,
               rows, s->width, ones, first == begin && !add);
  }
}
