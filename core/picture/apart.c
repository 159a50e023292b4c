/**
 * Digits that touch. The ink of a wide digit is cut from top to bottom at many places, each where
 * there is least ink. Which of the cuts are made is chosen by dynamic programming: the product of
 * how sure a judge is of each segment is to be the largest.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"
#include "core/picture/crop.h"
#include "core/picture/find.h"

enum { STEPS = 8, MAX_CUTS = 96, MAX_LOOKED_AT = 128, JUDGED_AT_ONCE = 64 };
enum { WORK_OF_IMAGE = 1 << 16, MAX_WORK = 1 << 28 }; /* in pixels that are cut out */
enum { MAX_SEGMENTS = 16 * MAX_CUTS }; /* so many begin at a cut: most_aspect * STEPS, and 2 */

static const double least_aspect = 0.6; /* of what may be two digits */
static const double most_aspect = 1.7;  /* of what may be one digit */
/* of one digit, which costs nothing: by itself, and where others are known to touch */
static const double usual_aspect = 1.3, close_aspect = 1.0, for_width = 0.8;
static const float sideways = 40; /* cost of a step of a cut to the side */
/* Of numbers that were cut through more ink than this, measured in strokes, 16 of 49 were right;
   of the others 18 of 21. */
static const double deep = 0.3;
static const float doubt_of_deep = 0.5f;

typedef struct {
  const dg_ink *ink;
  dg_components *components;
  uint32_t height, width; /**< of images */
  const dg_judge *judge;
  double usual;  /**< aspect of a digit */
  uint64_t work; /**< done so far: pixels cut out, and images judged */
  uint32_t digit;
  dg_box box;    /**< of the digit that is looked at */
  double stroke; /**< width of its strokes */
  float *costs;  /**< [box.height, box.width] */
  uint32_t cut_count;
  uint32_t *cuts; /**< [cut_count, box.height]: columns; the first and last are its sides */
  double through[MAX_CUTS]; /**< how many strokes wide is the ink that a cut goes through */
} knife;

/** Part of a digit between two cuts. */
typedef struct {
  uint32_t from, to;
  double loss;
} segment;

static uint32_t *cut_of(const knife *k, uint32_t i) {
  return k->cuts + (size_t)i * k->box.height;
}

/* ---- cuts --------------------------------------------------------------- */

/** Strength of the digit's ink at a pixel of its box; 0: none. */
static float ink_at(const knife *k, uint32_t y, uint32_t x) {
  size_t at = (size_t)(k->box.top + y) * k->ink->width + k->box.left + x;
  uint32_t label = k->components->labels[at];
  return label && k->components->items[label - 1].digit == k->digit ? k->ink->strength[at] : 0;
}

/** The column above a pixel through which the cheapest way comes. */
static uint32_t best_above(const knife *k, uint32_t y, uint32_t x, uint32_t left, uint32_t right) {
  const float *above = k->costs + (size_t)(y - 1) * k->box.width;
  uint32_t best = x;
  float cost = above[x];
  if (x > left && above[x - 1] + sideways < cost) best = x - 1, cost = above[x - 1] + sideways;
  if (x + 1 < right && above[x + 1] + sideways < cost) best = x + 1;
  return best;
}

/** Finds the cut in the columns [left, right) of the box that goes through least ink; returns the
    sum of its strength. */
static double find_cut(const knife *k, uint32_t left, uint32_t right, uint32_t *cut) {
  uint32_t height = k->box.height, width = k->box.width, best = left;
  for (uint32_t y = 0; y < height; y++)
    for (uint32_t x = left; x < right; x++) {
      float *cost = &k->costs[(size_t)y * width + x];
      *cost = ink_at(k, y, x);
      if (y == 0) continue;
      uint32_t above = best_above(k, y, x, left, right);
      *cost += k->costs[(size_t)(y - 1) * width + above] + (above == x ? 0 : sideways);
    }
  for (uint32_t x = left; x < right; x++)
    if (k->costs[(size_t)(height - 1) * width + x] < k->costs[(size_t)(height - 1) * width + best])
      best = x;
  double ink = 0;
  for (uint32_t y = height; y-- > 0;) {
    cut[y] = k->box.left + best;
    ink += (double)ink_at(k, y, best);
    if (y) best = best_above(k, y, best, left, right);
  }
  return ink;
}

/** Width of the strokes: twice their area by the length of their outline. */
static double stroke_of(const knife *k) {
  uint32_t area = 0, outline = 0;
  for (uint32_t y = 0; y < k->box.height; y++) {
    bool inside = false;
    for (uint32_t x = 0; x < k->box.width; x++) {
      bool ink = ink_at(k, y, x) >= k->ink->clear;
      area += ink, outline += ink != inside;
      inside = ink;
    }
  }
  return outline ? fmax(1, 1.4 * area / outline) : 1; /* rows alone see slanting strokes wider */
}

/** Finds cuts at equal distances; none crosses another. */
static void find_cuts(knife *k) {
  uint32_t height = k->box.height, width = k->box.width;
  uint32_t inner = k->cut_count - 2, reach = height / STEPS + 1;
  k->stroke = stroke_of(k);
  for (uint32_t i = 0; i < k->cut_count; i++) {
    uint32_t middle = (uint32_t)((uint64_t)width * i / (inner + 1));
    uint32_t left = middle > reach ? middle - reach : 0;
    uint32_t right = middle + reach < width ? middle + reach : width;
    uint32_t *cut = cut_of(k, i);
    k->through[i] = 0;
    if (i > 0 && i + 1 < k->cut_count)
      k->through[i] = find_cut(k, left, right, cut) / 255 / k->stroke;
    else
      for (uint32_t y = 0; y < height; y++) cut[y] = k->box.left + (i ? width : 0);
    for (uint32_t y = 0; i && y < height; y++)
      if (cut[y] < cut_of(k, i - 1)[y]) cut[y] = cut_of(k, i - 1)[y];
  }
}

/* ---- segments ----------------------------------------------------------- */

/** What a cut costs: little if it goes through less ink than a stroke is wide. */
static double loss_of_cut(double through) {
  return 0.1 * through + 0.5 * fmax(0, through - 0.8);
}

/** What a segment costs: how unsure the judge is, how wide it is, how much ink is cut. */
static double loss_of(const knife *k, const segment *s, const dg_box *box, float sure) {
  double aspect = (double)box->width / box->height;
  return -log(fmax((double)sure, 1e-6)) + for_width * fmax(0, aspect - k->usual) +
         loss_of_cut(k->through[s->from]) + loss_of_cut(k->through[s->to]);
}

/** The part of the digit's box that holds a segment. */
static dg_box box_of(const knife *k, const dg_cuts *cuts) {
  uint32_t left = UINT32_MAX, right = 0;
  for (uint32_t y = 0; y < k->box.height; y++) {
    if (cuts->left[y] < left) left = cuts->left[y];
    if (cuts->right[y] > right) right = cuts->right[y];
  }
  return (dg_box){k->box.top, left, k->box.height, right > left ? right - left : 1};
}

/** Cuts out the image of a segment; `*fits`: it may be a digit. */
static bool cut_segment(knife *k, const segment *s, uint8_t *image, dg_box *box, bool *fits,
                        dg_error *err) {
  dg_cuts cuts = {cut_of(k, s->from), cut_of(k, s->to)};
  *box = box_of(k, &cuts);
  k->work += (uint64_t)box->height * box->width;
  if (!dg_crop(k->ink, k->components, k->digit, &cuts, k->height, k->width, image, box, err))
    return false;
  *fits = 2 * (uint64_t)box->height >= (uint64_t)k->box.height * k->ink->reduced &&
          box->width <= most_aspect * box->height;
  return true;
}

/** Asks the judge about segments, at most JUDGED_AT_ONCE. */
static bool judge(const knife *k, segment *segments, const dg_box *boxes, const uint8_t *images,
                  uint32_t count, dg_error *err) {
  float sure[JUDGED_AT_ONCE];
  if (count && !k->judge->sure(k->judge->user, images, count, sure, err)) return false;
  for (uint32_t i = 0; i < count; i++)
    segments[i].loss = loss_of(k, &segments[i], &boxes[i], sure[i]);
  return true;
}

/** Lists the segments that may be digits, and asks the judge about all. */
static bool judge_segments(knife *k, segment *segments, uint32_t *count, dg_error *err) {
  size_t size = (size_t)k->height * k->width;
  dg_box boxes[JUDGED_AT_ONCE];
  uint8_t *images = malloc(JUDGED_AT_ONCE * size);
  bool ok = images || dg_fail_memory(err, JUDGED_AT_ONCE * size);
  double step = (double)k->box.width / (k->cut_count - 1);
  uint32_t held = 0;
  *count = 0;
  for (uint32_t i = 0; ok && i + 1 < k->cut_count; i++)
    for (uint32_t j = i + 1; ok && j < k->cut_count && *count < MAX_SEGMENTS; j++) {
      if ((j - i - 2.0) * step > most_aspect * k->box.height) break;
      bool fits = false;
      segments[*count] = (segment){.from = i, .to = j};
      ok = cut_segment(k, &segments[*count], images + held * size, &boxes[held], &fits, err);
      *count += fits, held += fits;
      if (!ok || held < JUDGED_AT_ONCE) continue;
      ok = judge(k, segments + *count - held, boxes, images, held, err);
      held = 0;
    }
  ok = ok && judge(k, segments + *count - held, boxes, images, held, err);
  free(images);
  return ok;
}

/** Finds the segments of least loss from the first cut to the last; returns how many, and their
    ends in `ends`. 0: there are none. */
static uint32_t choose(const knife *k, const segment *segments, uint32_t count, uint32_t *ends) {
  double best[MAX_CUTS];
  uint32_t before[MAX_CUTS] = {0}, chosen = 0;
  for (uint32_t i = 0; i < k->cut_count; i++) best[i] = i ? HUGE_VAL : 0;
  for (uint32_t i = 0; i < count; i++) { /* they are sorted by `from` */
    const segment *s = &segments[i];
    double loss = best[s->from] + s->loss;
    if (loss < best[s->to]) best[s->to] = loss, before[s->to] = s->from;
  }
  uint32_t last = k->cut_count - 1;
  if (best[last] >= HUGE_VAL) return 0;
  for (uint32_t at = last; at; at = before[at]) chosen++;
  uint32_t i = chosen;
  for (uint32_t at = last; at; at = before[at]) ends[--i] = at;
  return chosen;
}

/* ---- taking apart ------------------------------------------------------- */

static void include(dg_box *box, uint32_t y, uint32_t x) {
  if (box->height == 0) *box = (dg_box){y, x, 1, 1};
  uint32_t bottom = box->top + box->height, right = box->left + box->width;
  if (y < box->top) box->top = y;
  if (x < box->left) box->left = x;
  box->height = (y + 1 > bottom ? y + 1 : bottom) - box->top;
  box->width = (x + 1 > right ? x + 1 : right) - box->left;
}

static float doubt_of(const knife *k, uint32_t from, uint32_t to) {
  return k->through[from] > deep || k->through[to] > deep ? doubt_of_deep : 0;
}

/** Makes each chosen segment a component, and a digit; the digits behind it are renumbered. */
static bool relabel(knife *k, const uint32_t *ends, uint32_t count, dg_error *err) {
  dg_components *c = k->components;
  size_t size = (c->count + count) * sizeof *c->items;
  dg_component *items = realloc(c->items, size);
  if (!items) return dg_fail_memory(err, size);
  c->items = items;
  memset(items + c->count, 0, count * sizeof *items);
  for (uint32_t y = 0; y < k->box.height; y++)
    for (uint32_t x = 0, s = 0; x < k->box.width; x++) {
      while (s + 1 < count && k->box.left + x >= cut_of(k, ends[s])[y]) s++;
      if (ink_at(k, y, x) <= 0) continue;
      c->labels[(size_t)(k->box.top + y) * k->ink->width + k->box.left + x] = c->count + s + 1;
      include(&items[c->count + s].box, k->box.top + y, k->box.left + x);
    }
  for (uint32_t i = 0; i < c->count; i++)
    if (items[i].digit == k->digit)
      items[i].digit = 0;
    else if (items[i].digit > k->digit)
      items[i].digit += count - 1;
  for (uint32_t s = 0; s < count; s++) {
    items[c->count + s].digit = k->digit + s;
    items[c->count + s].doubt = doubt_of(k, s ? ends[s - 1] : 0, ends[s]);
  }
  c->count += count, c->digits += count - 1;
  return true;
}

/** Takes a digit apart if it seems to be several; `*count` is how many it becomes. */
static bool take_apart(knife *k, uint32_t *count, dg_error *err) {
  uint32_t listed = 0, ends[MAX_CUTS];
  segment *segments = malloc(MAX_SEGMENTS * sizeof *segments);
  bool ok = segments || dg_fail_memory(err, MAX_SEGMENTS * sizeof *segments);
  *count = 1;
  if (ok) find_cuts(k);
  ok = ok && judge_segments(k, segments, &listed, err);
  k->work += (uint64_t)listed * WORK_OF_IMAGE;
  uint32_t chosen = ok ? choose(k, segments, listed, ends) : 0;
  if (chosen > 1 && (ok = relabel(k, ends, chosen, err))) *count = chosen;
  free(segments);
  return ok;
}

/** Looks at a digit, if it is wide enough to be two. */
static bool look_at(knife *k, uint32_t digit, const dg_box *box, uint32_t *count, dg_error *err) {
  *count = 1;
  uint64_t cuts = (uint64_t)box->width * STEPS / box->height + 2;
  if (box->width < least_aspect * box->height || cuts > MAX_CUTS) return true;
  k->digit = digit, k->box = *box, k->cut_count = (uint32_t)cuts;
  size_t pixels = (size_t)box->height * box->width;
  k->costs = malloc(pixels * sizeof *k->costs);
  k->cuts = malloc(cuts * box->height * sizeof *k->cuts);
  bool ok = (k->costs && k->cuts) || dg_fail_memory(err, pixels * sizeof *k->costs);
  ok = ok && take_apart(k, count, err);
  free(k->costs);
  free(k->cuts);
  return ok;
}

bool dg_digits_take_apart(const dg_ink *ink, dg_components *components, uint32_t height,
                          uint32_t width, const dg_judge *judge, dg_error *err) {
  knife k = {.ink = ink,
             .components = components,
             .height = height,
             .width = width,
             .judge = judge,
             .usual = usual_aspect};
  uint32_t looked_at = components->digits < MAX_LOOKED_AT ? components->digits : MAX_LOOKED_AT;
  dg_box *boxes = malloc(components->digits * sizeof *boxes);
  if (!boxes) return dg_fail_memory(err, components->digits * sizeof *boxes);
  dg_components_boxes(components, boxes);
  for (uint32_t i = 0; i < components->digits; i++)
    if (dg_box_is_wide(&boxes[i])) k.usual = close_aspect;
  bool ok = true;
  for (uint32_t i = 0, digit = 1, count; ok && i < looked_at && k.work < MAX_WORK;
       i++, digit += count)
    ok = look_at(&k, digit, &boxes[i], &count, err);
  free(boxes);
  return ok;
}
