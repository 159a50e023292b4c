/* Recurrent layers for CPUs: a work-item takes SAMPLES samples through all steps, forward or
 * backward. It takes 16 hidden units at a time: holds all of their sums for all of its samples in
 * registers, broadcasts inputs and states, loads weights packed by cl/recurrent_pack.cl, and ends
 * with the cell (cl/recurrent_cell.cl) before a sum is ever stored.
 *
 * Samples past the last one repeat it.
 */
/* sums[v][s] += the sum over k of a[s][k] * b[k][v], for v < vectors <= MOST. Loops have constant
   ends, or they would not be unrolled before this is inlined. */
#define MOST 4
inline __attribute__((always_inline)) void multiply(float16 (*sums)[SAMPLES], const uint vectors,
                                                    global const float *const *a, uint count,
                                                    global const float *restrict b) {
  for (uint k = 0; k < count; k++) {
    float16 b_now[MOST];
#pragma unroll
    for (uint v = 0; v < MOST; v++)
      if (v < vectors) b_now[v] = vload16(v, b);
    b += vectors * 16;
#pragma unroll
    for (uint s = 0; s < SAMPLES; s++) {
      const float16 a_now = a[s][k];
#pragma unroll
      for (uint v = 0; v < MOST; v++)
        if (v < vectors) sums[v][s] = MULTIPLY_ADD(a_now, b_now[v], sums[v][s]);
    }
  }
}

/* `ring` rows of kept numbers a sample: one for each time, or fewer in turn for a network that
   only tests. The output of a sample takes `out_row` numbers a step, of which this direction's
   begin at out_first. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
recurrent_forward(global const float *restrict x, global const float *restrict packed,
                  global float *kept, uint kept_first, uint ring, global float *restrict out,
                  uint out_row, uint out_first, uint n, uint steps, uint in, uint hidden,
                  uint sequence, uint reverse) {
  const uint padded = (hidden + 15) / 16 * 16, row_size = KEPT * padded + PAD;
  const uint first = get_global_id(0) * SAMPLES;
  kept += kept_first;
  for (uint step = 0; step < steps; step++) {
    const uint time = reverse ? steps - 1 - step : step, before = reverse ? time + 1 : time - 1;
    global const float *inputs[SAMPLES], *states[SAMPLES];
    global float *rows[SAMPLES];
#pragma unroll
    for (uint s = 0; s < SAMPLES; s++) {
      const size_t sample = min(first + s, n - 1);
      inputs[s] = x + (sample * steps + time) * in;
      rows[s] = kept + (sample * ring + time % ring) * row_size;
      states[s] = kept + (sample * ring + before % ring) * row_size;
    }

    global const float *weights = packed;
    for (uint unit = 0; unit < padded; unit += 16) {
      float16 sums[SUMS][SAMPLES];
#pragma unroll
      for (uint v = 0; v < SUMS; v++)
#pragma unroll
        for (uint s = 0; s < SAMPLES; s++) sums[v][s] = vload16(v, weights);
      weights += SUMS * 16;
      multiply(sums, GATES, inputs, in, weights);
      weights += GATES * 16 * in;
      if (step > 0) multiply(sums + RESET_AFTER, GATES_OF_H, states, hidden, weights);
      weights += GATES * 16 * hidden;

      float16 done[SAMPLES][SUMS];
#pragma unroll
      for (uint s = 0; s < SAMPLES; s++)
#pragma unroll
        for (uint v = 0; v < SUMS; v++) done[s][v] = sums[v][s];
#pragma unroll 1
      for (uint s = 0; s < SAMPLES; s++) {
        float16 made[KEPT], h = 0.0f, c = 0.0f;
        if (step > 0) {
          h = vload16(0, states[s] + unit);
          if (CELL == LSTM) c = vload16(0, states[s] + padded + unit);
        }
        cell_forward(done[s], h, c, made);
#pragma unroll
        for (uint v = RESET_BEFORE; v < KEPT; v++) vstore16(made[v], 0, rows[s] + v * padded + unit);
      }
    }

#if RESET_BEFORE
    weights = packed + (SUMS + GATES * in + 2 * hidden) * 16;
    for (uint unit = 0; unit < padded; unit += 16) {
      global const float *resets[SAMPLES];
      float16 sums[1][SAMPLES];
#pragma unroll
      for (uint s = 0; s < SAMPLES; s++) {
        resets[s] = rows[s] + 4 * padded;
        sums[0][s] = vload16(0, rows[s] + 3 * padded + unit);
      }
      if (step > 0) multiply(sums, 1, resets, hidden, weights);
      weights += (SUMS + GATES * (in + hidden)) * 16;
#pragma unroll
      for (uint s = 0; s < SAMPLES; s++) {
        const float16 z = vload16(0, rows[s] + 2 * padded + unit), n = tanh_of(sums[0][s]);
        const float16 h = step > 0 ? vload16(0, states[s] + unit) : 0.0f;
        vstore16(n, 0, rows[s] + 3 * padded + unit);
        vstore16(blend(z, n, h), 0, rows[s] + unit);
      }
    }
#endif

    if (!sequence && step + 1 < steps) continue;
    for (uint s = 0; s < min(n - first, (uint)SAMPLES); s++) {
      const size_t row = sequence ? (size_t)(first + s) * steps + time : first + s;
      for (uint unit = 0; unit < hidden; unit += 16)
        store_block(vload16(0, rows[s] + unit), out + row * out_row + out_first + unit,
                    hidden - unit);
    }
  }
}

/* to[s][i] = the sum over k of a[s][k] * b[k][i], or as much more, for i < columns and the first
   `samples` of the samples; b in panels, as recurrent_pack_rows makes them. */
inline __attribute__((always_inline)) void
multiply_rows(global const float *const *a, uint count, global const float *restrict b,
              uint columns, global float *const *to, uint samples, uint add) {
  for (uint column = 0; column < columns; column += PANEL * 16) {
    const uint vectors = min((columns - column + 15) / 16, (uint)PANEL);
    float16 sums[PANEL][SAMPLES];
#pragma unroll
    for (uint v = 0; v < PANEL; v++)
#pragma unroll
      for (uint s = 0; s < SAMPLES; s++) sums[v][s] = 0.0f;
    if (vectors == PANEL)
      multiply(sums, PANEL, a, count, b);
    else
      multiply(sums, 1, a, count, b);
    b += vectors * 16 * count;
    float16 done[PANEL][SAMPLES];
#pragma unroll
    for (uint v = 0; v < PANEL; v++)
#pragma unroll
      for (uint s = 0; s < SAMPLES; s++) done[v][s] = sums[v][s];
    for (uint v = 0; v < vectors; v++)
#pragma unroll 1
      for (uint s = 0; s < samples; s++)
        store_gradient(done[v][s], to[s] + column + v * 16, columns - column - v * 16, add);
  }
}

/* Leaves the gradients of all sums in rows, at grads_first of the workspace; what goes from step to
   step lies at carry_first, the rows of the weights of h at the beginning and those of x at
   x_first. d_x may be NULL. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
recurrent_backward(global const float *restrict kept, uint kept_first,
                   global const float *restrict d_out, uint out_row, uint out_first,
                   global float *workspace, uint grads_first, uint carry_first, uint x_first,
                   global float *d_x, uint add, uint n, uint steps, uint in,
                   uint hidden, uint sequence, uint reverse) {
  const uint padded = (hidden + 15) / 16 * 16;
  const uint kept_size = KEPT * padded + PAD, grads_size = SUMS * padded + PAD;
  const uint first = get_global_id(0) * SAMPLES, samples = min(n - first, (uint)SAMPLES);
  global float *carry = workspace + carry_first + get_global_id(0) * CARRIED * SAMPLES * padded;
  global float *d_h[SAMPLES];
#pragma unroll
  for (uint s = 0; s < SAMPLES; s++) d_h[s] = carry + s * padded;
  kept += kept_first;

  for (uint step = steps; step-- > 0;) {
    const uint time = reverse ? steps - 1 - step : step, before = reverse ? time + 1 : time - 1;
    const bool last = step + 1 == steps;
    global const float *rows[SAMPLES], *states[SAMPLES];
    global float *grads[SAMPLES];
#pragma unroll
    for (uint s = 0; s < SAMPLES; s++) {
      const size_t sample = min(first + s, n - 1);
      rows[s] = kept + (sample * steps + time) * kept_size;
      states[s] = kept + (sample * steps + before) * kept_size;
      grads[s] = workspace + grads_first + (sample * steps + time) * grads_size;
    }

    for (uint unit = 0; unit < padded; unit += 16) {
      for (uint s = 0; s < SAMPLES; s++) {
        const size_t sample = min(first + s, n - 1);
        float16 made[KEPT], now[SUMS], carried[CARRIED], d_now = 0.0f, h = 0.0f, c = 0.0f;
#pragma unroll
        for (uint v = 0; v < KEPT; v++) made[v] = vload16(0, rows[s] + v * padded + unit);
#pragma unroll
        for (uint v = 0; v < CARRIED; v++)
          carried[v] = last ? 0.0f : vload16(0, d_h[s] + v * SAMPLES * padded + unit);
        if (step > 0) {
          h = vload16(0, states[s] + unit);
          if (CELL == LSTM) c = vload16(0, states[s] + padded + unit);
        }
        if (sequence || last)
          d_now = load_block(d_out + (sequence ? sample * steps + time : sample) * out_row +
                                 out_first + unit,
                             hidden - unit);
        cell_backward(made, h, c, d_now + carried[0], carried, now);
#pragma unroll
        for (uint v = RESET_BEFORE; v < SUMS; v++) vstore16(now[v], 0, grads[s] + v * padded + unit);
#pragma unroll
        for (uint v = 0; v < CARRIED - RESET_BEFORE; v++)
          vstore16(carried[v], 0, d_h[s] + v * SAMPLES * padded + unit);
      }
    }

#if RESET_BEFORE
    /* Of r h, through U_n; then of r and of h. */
    global float *d_reset[SAMPLES];
    global const float *d_n[SAMPLES];
#pragma unroll
    for (uint s = 0; s < SAMPLES; s++) {
      d_reset[s] = d_h[s] + SAMPLES * padded;
      d_n[s] = grads[s] + 2 * padded;
    }
    multiply_rows(d_n, padded, workspace + 2 * padded * padded, padded, d_reset, SAMPLES,
                  0);
    for (uint unit = 0; unit < padded; unit += 16)
      for (uint s = 0; s < SAMPLES; s++) {
        const float16 r = vload16(0, rows[s] + padded + unit);
        const float16 h = step > 0 ? vload16(0, states[s] + unit) : 0.0f;
        const float16 d = vload16(0, d_reset[s] + unit);
        vstore16(d * h * sigmoid_slope(r), 0, grads[s] + unit);
        vstore16(vload16(0, d_h[s] + unit) + d * r, 0, d_h[s] + unit);
      }
#endif

    global const float *of_h[SAMPLES], *of_x[SAMPLES];
    global float *d_inputs[SAMPLES];
#pragma unroll
    for (uint s = 0; s < SAMPLES; s++) {
      of_h[s] = grads[s] + RESET_AFTER * padded;
      of_x[s] = grads[s];
      d_inputs[s] = d_x + ((size_t)min(first + s, n - 1) * steps + time) * in;
    }
    if (step > 0)
      multiply_rows(of_h, GATES_OF_H * padded, workspace, padded, d_h, SAMPLES, 1);
    if (d_x)
      multiply_rows(of_x, GATES * padded, workspace + x_first, in, d_inputs, samples, add);
  }
}

#define BLOCK 64 /* units, columns and rows that recurrent_weights takes at a time */
#define TILE 4   /* units of them in registers */

/* to[j][i] (+)= the sum over the rows of a[row][j] * b[row][i], for `vectors` vectors i of which
   the first `room` numbers may be written, and for the first `units` of TILE units j. */
inline __attribute__((always_inline)) void
add_products(const float (*a)[BLOCK], const float (*b)[BLOCK], uint rows, const uint vectors,
             global float *to, uint to_row, uint units, uint room, uint add) {
  float16 sums[TILE][MOST];
#pragma unroll
  for (uint j = 0; j < TILE; j++)
#pragma unroll
    for (uint v = 0; v < MOST; v++) sums[j][v] = 0.0f;
  for (uint row = 0; row < rows; row++) {
    float16 b_now[MOST];
#pragma unroll
    for (uint v = 0; v < MOST; v++)
      if (v < vectors) b_now[v] = vload16(v, b[row]);
#pragma unroll
    for (uint j = 0; j < TILE; j++) {
      const float16 a_now = a[row][j];
#pragma unroll
      for (uint v = 0; v < MOST; v++)
        if (v < vectors) sums[j][v] = MULTIPLY_ADD(a_now, b_now[v], sums[j][v]);
    }
  }
  float16 done[TILE][MOST];
#pragma unroll
  for (uint j = 0; j < TILE; j++)
#pragma unroll
    for (uint v = 0; v < MOST; v++) done[j][v] = sums[j][v];
#pragma unroll 1
  for (uint j = 0; j < min(units, (uint)TILE); j++)
#pragma unroll 1
    for (uint v = 0; v * 16 < room && v < vectors; v++)
      store_gradient(done[j][v], to + j * to_row + v * 16, room - v * 16, add);
}

/* d_weight[gate][unit][column] = the sum over all samples and times of
   grads[sample][time][(gate + shift) % slots][unit] * b[sample][time + ahead][column], where rows
   before the first time and after the last are zero, for the gates from first_gate on; d_bias, if
   it isn't NULL, is the same sum without b. A work-item takes BLOCK units and BLOCK columns; it
   copies rows of both, which lie far apart, before it multiplies them. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
recurrent_weights(global const float *restrict grads, uint grads_first, global const float *b,
                  uint b_first, uint b_size, int ahead, uint columns, uint n, uint steps,
                  uint hidden, uint first_gate, uint shift, uint slots,
                  global float *restrict d_weight, global float *restrict d_bias) {
  const uint column = get_global_id(0) * BLOCK, unit = get_global_id(1) * BLOCK;
  const uint gate = first_gate + get_global_id(2);
  const uint padded = (hidden + 15) / 16 * 16, grads_size = SUMS * padded + PAD;
  const uint units = min(hidden - unit, (uint)BLOCK), room = min(columns - column, (uint)BLOCK);
  const uint rows = n * steps;
  grads += grads_first + (gate + shift) % slots * padded + unit;
  b += b_first + column;
  float a_rows[BLOCK][BLOCK], b_rows[BLOCK][BLOCK], bias[BLOCK];
  for (uint j = 0; j < BLOCK; j += 16) vstore16(0.0f, 0, bias + j);

  for (uint row0 = 0; row0 < rows; row0 += BLOCK) {
    const uint count = min(rows - row0, (uint)BLOCK);
    for (uint j = 0; j < units; j += 16) {
      float16 sum = 0.0f;
      for (uint row = 0; row < count; row++) {
        const float16 now = vload16(0, grads + (size_t)(row0 + row) * grads_size + j);
        vstore16(now, 0, a_rows[row] + j);
        sum += now;
      }
      vstore16(vload16(0, bias + j) + sum, 0, bias + j);
    }
    for (uint row = 0; row < count; row++) {
      const int time = (int)((row0 + row) % steps) + ahead;
      const bool inside = time >= 0 && time < (int)steps;
      global const float *from = b + ((size_t)(row0 + row) + ahead) * b_size;
      for (uint i = 0; i < BLOCK; i += 16)
        vstore16(inside && i < room ? load_block(from + i, room - i) : 0.0f, 0, b_rows[row] + i);
    }
    for (uint j = 0; j < units; j += TILE) {
      const float(*a_now)[BLOCK] = (const float(*)[BLOCK])(a_rows[0] + j);
      global float *to = d_weight + (gate * hidden + unit + j) * columns + column;
      if (room > 32)
        add_products(a_now, b_rows, count, 4, to, columns, units - j, room, row0 > 0);
      else
        add_products(a_now, b_rows, count, 2, to, columns, units - j, room, row0 > 0);
    }
  }

  if (!d_bias || column > 0) return;
  for (uint j = 0; j < units; j += 16)
    store_block(vload16(0, bias + j), d_bias + gate * hidden + unit + j, units - j);
}
