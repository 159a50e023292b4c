#include "core/data/drawn/each.h"

#include "core/base/limits/processors.h"
#include "core/base/pool.h"

enum { SAMPLES_OF_PIECE = 256 };

typedef struct {
  uint32_t count;
  dg_draw_one *draw;
  const void *context;
} order;

static void draw_piece(const void *context, size_t piece, size_t worker) {
  const order *o = context;
  const uint32_t first = (uint32_t)piece * SAMPLES_OF_PIECE, left = o->count - first;
  (void)worker;
  for (uint32_t i = first; i - first < SAMPLES_OF_PIECE && i - first < left; i++)
    o->draw(o->context, i);
}

void dg_draw_each(uint32_t count, unsigned threads, dg_draw_one *draw, const void *context) {
  const order o = {count, draw, context};
  size_t pieces = count / SAMPLES_OF_PIECE + (count % SAMPLES_OF_PIECE != 0);
  size_t workers = threads ? threads : dg_processors();
  dg_pool *pool = pieces > 1 ? dg_pool_new(workers < pieces ? workers : pieces, NULL) : NULL;
  if (pool)
    dg_pool_add(pool, pieces, draw_piece, &o, sizeof o);
  else /* not all threads have to start */
    for (size_t i = 0; i < pieces; i++) draw_piece(&o, i, 0);
  dg_pool_free(pool);
}
