/* Convolutions of stride 1 line by line, for CPUs, followed by an activation and a max pooling over
 * windows of POOL x POOL:
 *
 *   y[z][f] = maximum over a window of leaky(bias[f] + sum over (channel, ky, kx) of
 *             weight[f][channel][ky][kx] x[z][channel][line + ky - pad][column + kx - PAD])
 *
 * Vectors run along the filters, weights are in panels (cl/gemm/packed_tile.cl), and each number of
 * x is broadcast directly from memory: nothing is padded, since the ends of a line are known at
 * compile time. Build options: the width of an IMAGE x; the KERNEL's width and the PAD beside x;
 * POOL (1: none); VECTORS of 16 filters, and columns of a BLOCK (whole windows), which are summed
 * in registers; KEEP, if the indices of maxima are written, as in max_forward.
 */
#define SUMS (IMAGE + 2 * PAD - KERNEL + 1)
#define RESULTS (SUMS / POOL)
#define USED (RESULTS * POOL)
#define LANES (16 * VECTORS)

/* Results per line. */
typedef struct {
  float16 value[RESULTS][VECTORS];
#ifdef KEEP
  int16 place[RESULTS][VECTORS];
#endif
} results;

/* Adds the products of a line of one channel to the sums of the block that begins at `left`: number
 * by number, since sums and weights together fill the registers.
 */
__attribute__((always_inline)) inline void
add_line(global const float *line, global const float *weights, const uint left,
         float16 sums[BLOCK][VECTORS]) {
  float16 weight[KERNEL][VECTORS];
#pragma unroll
  for (uint k = 0; k < KERNEL; k++)
#pragma unroll
    for (uint v = 0; v < VECTORS; v++) weight[k][v] = vload16(v, weights + k * LANES);
#pragma unroll
  for (uint i = 0; i < BLOCK + KERNEL - 1; i++) {
    const int x = (int)(left + i) - PAD;
    if (x < 0 || x >= IMAGE) continue;
    const float16 factor = line[x];
#pragma unroll
    for (uint k = 0; k < KERNEL; k++) {
      if (i < k || i - k >= BLOCK || left + i - k >= USED) continue;
#pragma unroll
      for (uint v = 0; v < VECTORS; v++)
        sums[i - k][v] = MULTIPLY_ADD(factor, weight[k][v], sums[i - k][v]);
    }
  }
}

/* Pools the sums of line l of the windows into the results. */
__attribute__((always_inline)) inline void
take_sums(float16 sums[BLOCK][VECTORS], float slope, const uint left, const uint l, results *r) {
#pragma unroll
  for (uint i = 0; i < BLOCK; i++)
#pragma unroll
    for (uint v = 0; v < VECTORS; v++) {
      if (left + i >= USED) continue;
      const uint at = (left + i) / POOL;
      const float16 x = sums[i][v] > 0.0f ? sums[i][v] : slope * sums[i][v];
#if POOL == 1
      r->value[at][v] = x;
#else
      const float16 best = r->value[at][v];
      const int16 better = ~(x <= best) & (best == best); /* the first NaN is the maximum */
      r->value[at][v] = select(best, x, better);
#ifdef KEEP
      r->place[at][v] = select(r->place[at][v], (int16)(l * POOL + i % POOL), better);
#endif
#endif
    }
}

/* The block of columns from `left` on, of the line of windows that begins at line `top`. */
__attribute__((always_inline)) inline void
find_block(global const float *x, global const float *weights, uint channels, uint height,
           uint kernel_h, uint pad, float slope, uint top, const uint left, results *r) {
  for (uint l = 0; l < POOL; l++) {
    const uint line = top + l;
    const uint first = max((int)(pad - line), 0);
    const uint end = clamp((int)(height + pad - line), 0, (int)kernel_h);
    float16 sums[BLOCK][VECTORS];
#pragma unroll
    for (uint i = 0; i < BLOCK; i++)
#pragma unroll
      for (uint v = 0; v < VECTORS; v++) sums[i][v] = vload16(v, weights);
    for (uint channel = 0; channel < channels; channel++)
      for (uint ky = first; ky < end; ky++)
        add_line(x + (channel * height + line + ky - pad) * IMAGE,
                 weights + LANES * (1 + (channel * kernel_h + ky) * KERNEL), left, sums);
    take_sums(sums, slope, left, l, r);
  }
}

/* Stores up to 16 results from `first` on for each of `count` filters, in lines `plane` apart. */
__attribute__((always_inline)) inline void
give_values(const results *r, const uint first, const uint v, global float *to, uint plane,
            uint count) {
  float16 block[16];
#pragma unroll
  for (uint i = 0; i < 16; i++) block[i] = first + i < RESULTS ? r->value[first + i][v] : 0.0f;
  transpose_block(block);
#pragma unroll
  for (uint f = 0; f < 16; f++)
    if (f < count)
      store_run((const float *)&block[f], min(RESULTS - first, 16u), to + f * plane + first, 0);
}

#ifdef KEEP
/* Stores the first `count` <= 16 of some indices, in pieces that overlap. (PoCL converts integer
 * vectors element by element, which is slower.)
 */
inline void store_places(int16 places, uint count, global ushort *to) {
  int numbers[16];
  ushort lanes[16];
  vstore16(places, 0, numbers);
  for (uint i = 0; i < 16; i++) lanes[i] = (ushort)numbers[i];
  if (count >= 8) {
    vstore8(vload8(0, lanes), 0, to);
    vstore8(vload8(0, lanes + count - 8), 0, to + count - 8);
  } else {
    for (uint i = 0; i < count; i++) to[i] = lanes[i];
  }
}

__attribute__((always_inline)) inline void
give_places(const results *r, const uint first, const uint v, global ushort *to, uint plane,
            uint count) {
  float16 block[16];
#pragma unroll
  for (uint i = 0; i < 16; i++)
    block[i] = as_float16(first + i < RESULTS ? r->place[first + i][v] : (int16)(0));
  transpose_block(block);
#pragma unroll
  for (uint f = 0; f < 16; f++)
    if (f < count)
      store_places(as_int16(block[f]), min(RESULTS - first, 16u),
                   to + f * plane + first);
}
#endif

/* y is [sample][filter][out_h][RESULTS], as are `places`; a work-item computes `share` lines of
   it. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
rows(global const float *restrict x, global const float *restrict weights, float slope,
     global float *restrict y, global ushort *restrict places, uint channels, uint height,
     uint kernel_h, uint pad, uint filters, uint out_h, uint share, uint keep) {
  const uint filter = get_global_id(0) * LANES, begin = get_global_id(1) * share;
  const size_t sample = get_global_id(2);
  const uint plane = out_h * RESULTS;
  x += sample * channels * height * IMAGE;
  weights += filter * (1 + channels * kernel_h * KERNEL);
  for (uint line = begin; line < min(begin + share, out_h); line++) {
    results r;
#if POOL > 1
#pragma unroll
    for (uint i = 0; i < RESULTS; i++)
#pragma unroll
      for (uint v = 0; v < VECTORS; v++) {
        r.value[i][v] = -INFINITY;
#ifdef KEEP
        r.place[i][v] = 0;
#endif
      }
#endif
#pragma unroll
    for (uint left = 0; left < USED; left += BLOCK)
      find_block(x, weights, channels, height, kernel_h, pad, slope, line * POOL, left, &r);
#pragma unroll
    for (uint v = 0; v < VECTORS; v++) {
      if (filter + 16 * v >= filters) continue;
      const uint count = min(filters - filter - 16 * v, 16u);
      const size_t to = (sample * filters + filter + 16 * v) * plane + line * RESULTS;
#pragma unroll
      for (uint first = 0; first < RESULTS; first += 16) {
        give_values(&r, first, v, y + to, plane, count);
#ifdef KEEP
        if (keep) give_places(&r, first, v, places + to, plane, count);
#endif
      }
    }
  }
}
