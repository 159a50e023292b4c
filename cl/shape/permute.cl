/* Dimensions in another order. What is written consists of rows of `length` numbers: of its
 * innermost dimension, whose `inner` numbers are `apart` from each other in what is read; or, where
 * these are few, of its two innermost ones, a step in the second being s0 numbers. A row is one of
 * c4 x c3 x c2 x c1 of a sample of `count` numbers; a step in each of these dimensions is s4, s3, s2
 * and s1 numbers in what is read. A work-item processes WIDTH numbers of a row.
 */

inline floatw load_apart(global const float *from, uint i, uint length, uint inner, uint apart,
                         uint s0) {
  float numbers[WIDTH];
  const uint left = length - i;
  if (inner == length && apart == 1) return load_block(from + i, left);
  if (inner == length && left >= WIDTH) {
    from += (size_t)i * apart;
    for (uint k = 0; k < WIDTH; k++) numbers[k] = from[(size_t)k * apart];
  } else {
    for (uint k = 0; k < WIDTH; k++) {
      const uint place = i + k, row = place / inner;
      const uint at = row * s0 + (place - row * inner) * apart;
      numbers[k] = k < left ? from[at] : 0.0f;
    }
  }
  return vload_w(0, numbers);
}

kernel void permute(global const float *x, global float *y, uint length, uint inner, uint apart,
                    uint s0, uint rows, uint count, uint c1, uint s1, uint c2, uint s2, uint c3,
                    uint s3, uint c4, uint s4, uint add) {
  const uint i = get_global_id(0) * WIDTH, row = get_global_id(1);
  if (i >= length || row >= rows) return;
  const uint r2 = row / c1, r3 = r2 / c2, r4 = r3 / c3, sample = r4 / c4;
  const uint at = row % c1 * s1 + r2 % c2 * s2 + r3 % c3 * s3 + r4 % c4 * s4;
  global const float *from = x + (size_t)sample * count + at;
  store_gradient(load_apart(from, i, length, inner, apart, s0), y + (size_t)row * length + i,
                 length - i, add);
}
