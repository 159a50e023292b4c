/* Recurrent layers for GPUs: a work-group of ITEMS work-items takes SAMPLES samples through all
 * steps, forward or backward. A work-item takes one hidden unit at a time, with all of its sums for
 * all of the samples; inputs, states and gradients go through local memory a few at a time, so that
 * there is no limit to their number, and weights stream from global memory, neighbours reading
 * neighbours. Samples past the last one repeat it.
 */
#define ITEMS 128
#define CHUNK 256 /* numbers of each sample that local memory holds */

/* The rows of the samples of a group, `stride` numbers apart, the first one's at `rows`. */
typedef struct {
  global const float *rows;
  size_t stride;
  uint samples;
} factors;

/* Where the row of sample s begins. */
inline size_t row_of(const factors *f, uint s) {
  return min(s, f->samples - 1) * f->stride;
}

/* sums[v][s] += the sum over k of f[s][k] * b[k * b_row + v * 16]. All work-items must come here,
   those without a unit with `active` 0. */
inline __attribute__((always_inline)) void multiply(float (*sums)[SAMPLES], const uint vectors,
                                                    const factors *f, uint count,
                                                    global const float *b, uint b_row, uint active,
                                                    local float (*chunk)[SAMPLES]) {
  for (uint k0 = 0; k0 < count; k0 += CHUNK) {
    const uint length = min(count - k0, (uint)CHUNK);
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    for (uint s = 0; s < SAMPLES; s++)
      for (uint k = get_local_id(0); k < length; k += ITEMS)
        chunk[k][s] = f->rows[row_of(f, s) + k0 + k];
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint k = 0; k < length && active; k++) {
      for (uint v = 0; v < vectors; v++) {
        const float b_now = b[(size_t)(k0 + k) * b_row + v * 16];
        for (uint s = 0; s < SAMPLES; s++)
          sums[v][s] = MULTIPLY_ADD(chunk[k][s], b_now, sums[v][s]);
      }
    }
  }
}

/* As that of cl/recurrent_tile.cl. */
kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
recurrent_forward(global const float *x, global const float *packed, global float *kept,
                  uint kept_first, uint ring, global float *out, uint out_row, uint out_first,
                  uint n, uint steps, uint in, uint hidden, uint sequence, uint reverse) {
  local float chunk[CHUNK][SAMPLES];
  const uint padded = (hidden + 15) / 16 * 16, row_size = KEPT * padded + PAD;
  const uint first = get_group_id(0) * SAMPLES, samples = min(n - first, (uint)SAMPLES);
  const uint block = (SUMS + GATES * (in + hidden)) * 16;
  kept += kept_first + (size_t)first * ring * row_size;
  for (uint step = 0; step < steps; step++) {
    const uint time = reverse ? steps - 1 - step : step, before = reverse ? time + 1 : time - 1;
    const factors inputs = {x + ((size_t)first * steps + time) * in, (size_t)steps * in, samples};
    const factors states = {kept + before % ring * row_size, (size_t)ring * row_size, samples};
    const factors resets = {kept + time % ring * row_size + 4 * padded, states.stride, samples};
    global float *rows = kept + time % ring * row_size;

    for (uint unit0 = 0; unit0 < padded; unit0 += ITEMS) {
      const uint unit = unit0 + get_local_id(0), active = unit < padded;
      global const float *weights = packed + unit / 16 * block + unit % 16;
      float sums[SUMS][SAMPLES];
      for (uint v = 0; v < SUMS; v++)
        for (uint s = 0; s < SAMPLES; s++) sums[v][s] = active ? weights[v * 16] : 0.0f;
      weights += SUMS * 16;
      multiply(sums, GATES, &inputs, in, weights, GATES * 16, active, chunk);
      weights += GATES * 16 * in;
      if (step > 0)
        multiply(sums + RESET_AFTER, GATES_OF_H, &states, hidden, weights, GATES_OF_H * 16, active,
                 chunk);
      for (uint s = 0; s < samples && active; s++) {
        float now[SUMS], made[KEPT], h = 0.0f, c = 0.0f;
        for (uint v = 0; v < SUMS; v++) now[v] = sums[v][s];
        if (step > 0) {
          h = states.rows[row_of(&states, s) + unit];
          if (CELL == LSTM) c = states.rows[row_of(&states, s) + padded + unit];
        }
        cell_forward(now, h, c, made);
        for (uint v = RESET_BEFORE; v < KEPT; v++)
          rows[row_of(&states, s) + v * padded + unit] = made[v];
      }
    }

#if RESET_BEFORE
    for (uint unit0 = 0; unit0 < padded; unit0 += ITEMS) {
      const uint unit = unit0 + get_local_id(0), active = unit < padded;
      global const float *weights =
          packed + unit / 16 * block + unit % 16 + (SUMS + GATES * in + GATES_OF_H * hidden) * 16;
      float sums[1][SAMPLES];
      for (uint s = 0; s < SAMPLES; s++)
        sums[0][s] = active ? rows[row_of(&states, s) + 3 * padded + unit] : 0.0f;
      if (step > 0) multiply(sums, 1, &resets, hidden, weights, 16, active, chunk);
      for (uint s = 0; s < samples && active; s++) {
        global float *row = rows + row_of(&states, s) + unit;
        const float n_now = tanh_of(sums[0][s]);
        const float h = step > 0 ? states.rows[row_of(&states, s) + unit] : 0.0f;
        row[3 * padded] = n_now;
        row[0] = blend(row[2 * padded], n_now, h);
      }
    }
#endif

    if (!sequence && step + 1 < steps) continue;
    for (uint s = 0; s < samples; s++) {
      const size_t row = sequence ? (size_t)(first + s) * steps + time : first + s;
      for (uint unit = get_local_id(0); unit < hidden; unit += ITEMS)
        out[row * out_row + out_first + unit] = rows[row_of(&states, s) + unit];
    }
  }
}

/* to[s][i] = the sum over k of f[s][k] * b[k][i], or as much more, for i < columns and all samples,
   `to_row` numbers apart; b in panels, as recurrent_pack_rows makes them. */
inline __attribute__((always_inline)) void
multiply_rows(const factors *f, uint count, global const float *b, uint columns, global float *to,
              size_t to_row, uint add, local float (*chunk)[SAMPLES]) {
  const uint padded = (columns + 15) / 16 * 16;
  for (uint column0 = 0; column0 < padded; column0 += ITEMS) {
    const uint column = column0 + get_local_id(0), active = column < columns;
    const uint panel = column / (PANEL * 16) * (PANEL * 16);
    const uint width = active ? min(padded - panel, (uint)PANEL * 16) : 0;
    float sums[1][SAMPLES];
    for (uint s = 0; s < SAMPLES; s++) sums[0][s] = 0.0f;
    multiply(sums, 1, f, count, b + (size_t)panel * count + column - panel, width, active, chunk);
    for (uint s = 0; s < f->samples && active; s++) {
      global float *at = to + s * to_row + column;
      *at = add ? *at + sums[0][s] : sums[0][s];
    }
  }
}

/* As that of cl/recurrent_tile.cl. */
kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void
recurrent_backward(global const float *kept, uint kept_first, global const float *d_out,
                   uint out_row, uint out_first, global float *workspace, uint grads_first,
                   uint carry_first, uint x_first, global float *d_x, uint add, uint n, uint steps,
                   uint in, uint hidden, uint sequence, uint reverse) {
  local float chunk[CHUNK][SAMPLES];
  const uint padded = (hidden + 15) / 16 * 16;
  const uint kept_size = KEPT * padded + PAD, grads_size = SUMS * padded + PAD;
  const uint first = get_group_id(0) * SAMPLES, samples = min(n - first, (uint)SAMPLES);
  global float *d_h = workspace + carry_first + get_group_id(0) * CARRIED * SAMPLES * padded;
  kept += kept_first;

  for (uint step = steps; step-- > 0;) {
    const uint time = reverse ? steps - 1 - step : step, before = reverse ? time + 1 : time - 1;
    const bool last = step + 1 == steps;
    const size_t row0 = (size_t)first * steps + time, grads_stride = (size_t)steps * grads_size;
    global float *grads = workspace + grads_first + row0 * grads_size;

    for (uint unit = get_local_id(0); unit < padded; unit += ITEMS)
      for (uint s = 0; s < samples; s++) {
        global const float *row = kept + (row0 + s * steps) * kept_size + unit;
        global const float *state = kept + (row0 + s * steps + before - time) * kept_size + unit;
        global float *carry = d_h + s * padded + unit;
        float made[KEPT], now[SUMS], carried[CARRIED], d_now = 0.0f, h = 0.0f, c = 0.0f;
        for (uint v = 0; v < KEPT; v++) made[v] = row[v * padded];
        for (uint v = 0; v < CARRIED; v++)
          carried[v] = last ? 0.0f : carry[v * SAMPLES * padded];
        if (step > 0) {
          h = state[0];
          if (CELL == LSTM) c = state[padded];
        }
        if ((sequence || last) && unit < hidden)
          d_now = d_out[(sequence ? row0 + s * steps : first + s) * out_row + out_first + unit];
        cell_backward(made, h, c, d_now + carried[0], carried, now);
        for (uint v = RESET_BEFORE; v < SUMS; v++)
          grads[s * grads_stride + v * padded + unit] = now[v];
        for (uint v = 0; v < CARRIED - RESET_BEFORE; v++)
          carry[v * SAMPLES * padded] = carried[v];
      }

#if RESET_BEFORE
    /* Of r h, through U_n; then of r and of h. */
    const factors d_n = {grads + 2 * padded, grads_stride, samples};
    global float *d_reset = d_h + SAMPLES * padded;
    multiply_rows(&d_n, padded, workspace + 2 * padded * padded, padded, d_reset, padded, 0, chunk);
    barrier(CLK_GLOBAL_MEM_FENCE);
    for (uint unit = get_local_id(0); unit < padded; unit += ITEMS)
      for (uint s = 0; s < samples; s++) {
        global const float *row = kept + (row0 + s * steps) * kept_size + unit;
        global const float *state = kept + (row0 + s * steps + before - time) * kept_size + unit;
        const float r = row[padded], h = step > 0 ? state[0] : 0.0f;
        const float d = d_reset[s * padded + unit];
        grads[s * grads_stride + unit] = d * h * sigmoid_slope(r);
        d_h[s * padded + unit] += d * r;
      }
#endif

    const factors of_h = {grads + RESET_AFTER * padded, grads_stride, samples};
    const factors of_x = {grads, grads_stride, samples};
    if (step > 0)
      multiply_rows(&of_h, GATES_OF_H * padded, workspace, padded, d_h, padded, 1, chunk);
    if (d_x)
      multiply_rows(&of_x, GATES * padded, workspace + x_first, in, d_x + row0 * in,
                    (size_t)steps * in, add, chunk);
  }
}

#define SIDE 16

/* As that of cl/recurrent_tile.cl, a work-item a number of the gradient. */
kernel __attribute__((reqd_work_group_size(SIDE, SIDE, 1))) void
recurrent_weights(global const float *grads, uint grads_first, global const float *b, uint b_first,
                  uint b_size, int ahead, uint columns, uint n, uint steps, uint hidden,
                  uint first_gate, uint shift, uint slots, global float *d_weight,
                  global float *d_bias) {
  local float a_tile[SIDE][SIDE], b_tile[SIDE][SIDE];
  const uint tx = get_local_id(0), ty = get_local_id(1);
  const uint column = get_global_id(0), unit0 = get_group_id(1) * SIDE, unit = unit0 + ty;
  const uint gate = first_gate + get_global_id(2);
  const uint padded = (hidden + 15) / 16 * 16, grads_size = SUMS * padded + PAD;
  const uint rows = n * steps;
  grads += grads_first + (gate + shift) % slots * padded + unit0 + tx;
  b += b_first + column;
  float total = 0.0f, bias = 0.0f;
  for (uint row0 = 0; row0 < rows; row0 += SIDE) {
    const uint row = row0 + ty;
    const int time = (int)(row % steps) + ahead;
    const bool inside = row < rows && time >= 0 && time < (int)steps && column < columns;
    a_tile[ty][tx] = row < rows ? grads[(size_t)row * grads_size] : 0.0f;
    b_tile[ty][tx] = inside ? b[((size_t)row + ahead) * b_size] : 0.0f;
    barrier(CLK_LOCAL_MEM_FENCE);
    float sum = 0.0f, bias_sum = 0.0f;
    for (uint k = 0; k < SIDE; k++) {
      sum = MULTIPLY_ADD(a_tile[k][ty], b_tile[k][tx], sum);
      bias_sum += a_tile[k][ty];
    }
    total += sum;
    bias += bias_sum;
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  if (unit >= hidden || column >= columns) return;
  d_weight[(gate * hidden + unit) * columns + column] = total;
  if (d_bias && column == 0) d_bias[gate * hidden + unit] = bias;
}
