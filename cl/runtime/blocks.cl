/* Partial loads and stores of vectors, and blocks of 16 x 16 numbers, for kernels of the tile form.
 */

/* The vector that starts at `from`, of which only the first `count` numbers may be read. */
inline float16 load_short(global const float *from, uint count) {
  float numbers[16];
  for (uint i = 0; i < 16; i++) numbers[i] = i < count ? from[i] : 0.0f;
  return vload16(0, numbers);
}

inline float16 load_up_to(global const float *from, uint count) {
  return count < 16 ? load_short(from, count) : vload16(0, from);
}

/* to[i] (+)= lanes[i] for i < count <= 16, in pieces that overlap. */
inline void store_run(const float *lanes, uint count, global float *to, uint add) {
  if (count >= 8) {
    float8 first = vload8(0, lanes), last = vload8(0, lanes + count - 8);
    if (add) {
      first += vload8(0, to);
      last += vload8(0, to + count - 8);
    }
    vstore8(first, 0, to);
    vstore8(last, 0, to + count - 8);
  } else if (count >= 4) {
    float4 first = vload4(0, lanes), last = vload4(0, lanes + count - 4);
    if (add) {
      first += vload4(0, to);
      last += vload4(0, to + count - 4);
    }
    vstore4(first, 0, to);
    vstore4(last, 0, to + count - 4);
  } else {
    for (uint i = 0; i < count; i++) to[i] = add ? to[i] + lanes[i] : lanes[i];
  }
}

/* Transposes a block of 16 x 16 numbers. */
inline void transpose_block(float16 v[16]) {
#pragma unroll
  for (uint round = 0; round < 4; round++) {
    float16 next[16];
#pragma unroll
    for (uint i = 0; i < 8; i++) {
      next[2 * i].even = v[i].lo;
      next[2 * i].odd = v[i + 8].lo;
      next[2 * i + 1].even = v[i].hi;
      next[2 * i + 1].odd = v[i + 8].hi;
    }
#pragma unroll
    for (uint i = 0; i < 16; i++) v[i] = next[i];
  }
}
