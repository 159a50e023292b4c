#include "report/figures/diagram.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

/* Sizes in the drawing's units. */
enum { LEFT = 4, BOX = 336, HEIGHT = 28, APART = 44, TOP = 32, LANE = 16, MARGIN = 10 };

enum { MAX_LANES = 16 };

char *diagram_shape(const dg_layer_info *layer, char *text, size_t capacity) {
  *text = '\0';
  for (uint32_t i = 0; i < layer->rank; i++)
    dg_append(text, capacity, "%s%u", i ? " × " : "", layer->dim[i]);
  return text;
}

/** The colour of a kind of layer; -1: no special one. */
static int colour_of(const char *type) {
  static const struct {
    const char *part; /**< part of the type */
    int colour;
  } kinds[] = {{"conv", 0}, {"linear", 1}, {"norm", 2}, {"gru", 3},   {"lstm", 3},
               {"rnn", 3},  {"pool", 4},   {"add", 5},  {"concat", 5}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strstr(type, kinds[i].part)) return kinds[i].colour;
  return -1;
}

static double top_of(size_t layer) {
  return TOP + (double)layer * APART;
}

static void draw_box(const dg_layer_info *layer, size_t index, drawing *d) {
  double y = top_of(index);
  char shape[64];
  int colour = colour_of(layer->type);
  bool named = strcmp(layer->name, layer->type) != 0;
  markup_add(&d->body,
             "<rect class=\"box\" x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%d\" rx=\"5\"/>\n",
             LEFT, y, BOX, HEIGHT);
  if (colour >= 0)
    markup_add(&d->body,
               "<rect class=\"f%d\" x=\"%d\" y=\"%.1f\" width=\"4\" height=\"%d\" rx=\"2\"/>\n",
               colour, LEFT, y, HEIGHT);
  drawing_text_within(d, LEFT + 14, y + 18, 104, "strong", layer->type);
  if (named) drawing_text_within(d, LEFT + 122, y + 18, 104, "soft", layer->name);
  drawing_text(d, LEFT + BOX - 10, y + 18, "end", "", diagram_shape(layer, shape, sizeof shape));
}

/** Draws the head of an arrow to (x, y) that points down or left. */
static void draw_head(double x, double y, bool down, drawing *d) {
  markup_add(&d->body, "<path class=\"head-of-edge\" d=\"M%.1f %.1f%s\"/>\n", x, y,
             down ? "l-4 -6h8z" : "l6 -4v8z");
}

/** Up to which layer each side lane is occupied by an arrow that bypasses layers. */
typedef struct {
  size_t until[MAX_LANES];
  unsigned used;
} lanes;

static unsigned take_lane(lanes *l, size_t from, size_t to) {
  unsigned lane = 0;
  while (lane + 1 < MAX_LANES && lane < l->used && l->until[lane] > from) lane++;
  if (lane >= l->used) l->used = lane + 1;
  l->until[lane] = to;
  return lane;
}

static void draw_edge(size_t from, size_t to, unsigned lane, drawing *d) {
  double right = LEFT + BOX, x = right + LANE * (lane + 1.0);
  double start = top_of(from) + HEIGHT * 0.7, end = top_of(to) + HEIGHT * 0.3;
  markup_add(&d->body, "<path class=\"edge\" d=\"M%.1f %.1fH%.1fq6 0 6 6V%.1fq0 6 -6 6H%.1f\"/>\n",
             right, start, x - 6, end - 6, right + 5);
  draw_head(right + 1, end, false, d);
}

void diagram_draw(const dg_layer_info *layers, size_t count, drawing *d) {
  lanes taken = {{0}, 0};
  *d = (drawing){.height = top_of(count) - APART + HEIGHT + MARGIN};
  snprintf(d->title, sizeof d->title, "Architecture");
  drawing_text(d, 0, 14, "start", "head", "Architecture");
  drawing_text(d, LEFT + BOX - 10, 14, "end", "soft", "gives");
  for (size_t i = 0; i < count; i++) draw_box(&layers[i], i, d);
  for (size_t from = 0; from < count; from++)
    for (size_t to = from + 1; to < count; to++)
      for (uint32_t k = 0; k < layers[to].inputs; k++) {
        if (layers[to].in[k] != from) continue;
        if (to > from + 1) {
          draw_edge(from, to, take_lane(&taken, from, to), d);
          continue;
        }
        double x = LEFT + BOX / 2.0;
        markup_add(&d->body, "<path class=\"edge\" d=\"M%.1f %.1fV%.1f\"/>\n", x,
                   top_of(from) + HEIGHT, top_of(to) - 5);
        draw_head(x, top_of(to) - 1, true, d);
      }
  d->width = LEFT + BOX + MARGIN + LANE * (double)taken.used;
}
