/* Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, SC'11), as in core/base/philox.h, for WIDTH counters
 * {quad + i, place, step, 0} at once: words[4 * i] to words[4 * i + 3] are those of i.
 */
inline void philox(uint quad, uint place, uint step, uint2 key, uint words[4 * WIDTH]) {
  for (uint i = 0; i < WIDTH; i++) {
    uint c0 = quad + i, c1 = place, c2 = step, c3 = 0, k0 = key.x, k1 = key.y;
#pragma unroll
    for (uint round = 0; round < 10; round++) {
      const ulong p0 = (ulong)0xD2511F53u * c0, p1 = (ulong)0xCD9E8D57u * c2;
      c0 = (uint)(p1 >> 32) ^ c1 ^ k0;
      c1 = (uint)p1;
      c2 = (uint)(p0 >> 32) ^ c3 ^ k1;
      c3 = (uint)p0;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    words[4 * i] = c0;
    words[4 * i + 1] = c1;
    words[4 * i + 2] = c2;
    words[4 * i + 3] = c3;
  }
}
