#include "core/base/philox.h"

#include <math.h>

void dg_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
    c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    c1 = (uint32_t)p1;
    c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c3 = (uint32_t)p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

dg_random dg_random_start(uint32_t seed, uint32_t stream, uint32_t b, uint32_t c) {
  return (dg_random){.key = {seed, stream}, .counter = {0, b, c, 0}, .used = 4};
}

uint32_t dg_random_word(dg_random *r) {
  if (r->used == 4) {
    dg_philox(r->counter, r->key, r->words);
    r->counter[0]++;
    r->used = 0;
  }
  return r->words[r->used++];
}

float dg_random_uniform(dg_random *r) {
  return dg_uniform(dg_random_word(r));
}

uint32_t dg_random_below(dg_random *r, uint32_t bound) {
  uint64_t product = (uint64_t)dg_random_word(r) * bound;
  uint32_t unfair = -bound % bound;
  while ((uint32_t)product < unfair) product = (uint64_t)dg_random_word(r) * bound;
  return (uint32_t)(product >> 32);
}

float dg_random_normal(dg_random *r) {
  float u = 1.0f - dg_random_uniform(r), v = dg_random_uniform(r);
  return sqrtf(-2.0f * logf(u)) * cosf(6.28318530718f * v);
}
