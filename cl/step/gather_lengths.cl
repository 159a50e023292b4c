/* Lengths of the sequences of a batch. */

/* Those of the samples that a batch takes, as whole numbers. */
kernel void gather_lengths(global const uint *set, global const uint *order, global float *lengths,
                           uint n, uint first) {
  const uint sample = get_global_id(0);
  if (sample < n) lengths[sample] = (float)set[order[first + sample]];
}

/* Clears the `features` numbers of each step beyond the length of a sample of `count` numbers. */
kernel void gather_trim(global float *x, global const float *lengths, uint count, uint features) {
  const uint sample = get_global_id(1), step = get_global_size(0) * WIDTH;
  const uint begin = min((uint)lengths[sample], count / features) * features;
  for (uint i = begin + get_global_id(0) * WIDTH; i < count; i += step)
    store_block(0.0f, x + (size_t)sample * count + i, count - i);
}
