#include "report/figures/chart.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/figures/ticks.h"

/* Sizes in the drawing's units. */
enum {
  WIDTH = 440,
  LEFT = 50,
  RIGHT = 14,
  PLOT = 200,
  TALL = 340,
  BELOW = 42,
  HEAD = 20,
  ROW = 18
};

/** Below this ratio of largest to smallest a linear axis is used. */
enum { FAR_APART = 15 };

/** The coordinate system of the chart. */
typedef struct {
  double x_low, x_high, y_low, y_high;
  double top, height; /**< of the plot */
  bool logarithmic;
  ticks x_ticks, y_ticks;
} plane;

static double plot_x(const plane *p, double x) {
  return LEFT + (x - p->x_low) / (p->x_high - p->x_low) * (WIDTH - LEFT - RIGHT);
}

static double plot_y(const plane *p, double y) {
  double share = p->logarithmic ? log(y / p->y_low) / log(p->y_high / p->y_low)
                                : (y - p->y_low) / (p->y_high - p->y_low);
  return p->top + p->height * (1 - share);
}

static bool drawn(const chart_line *l, size_t i) {
  return isfinite(l->x[i]) && isfinite(l->y[i]);
}

/** Extends the plane to a point and its band. */
static void include(plane *p, const chart_line *l, size_t i) {
  p->x_low = fmin(p->x_low, l->x[i]);
  p->x_high = fmax(p->x_high, l->x[i]);
  p->y_low = fmin(p->y_low, l->low ? l->low[i] : l->y[i]);
  p->y_high = fmax(p->y_high, l->high ? l->high[i] : l->y[i]);
}

/** The smallest plane that holds all points; false: there is none. */
static bool measure(const chart *c, plane *p) {
  *p = (plane){INFINITY, -INFINITY, INFINITY, -INFINITY, 0, 0, false, {{0}, 0, 0}, {{0}, 0, 0}};
  for (size_t l = 0; l < c->count; l++)
    for (size_t i = 0; i < c->line[l].count; i++)
      if (drawn(&c->line[l], i)) include(p, &c->line[l], i);
  return p->x_low <= p->x_high;
}

/** Rounds the ends of the plane and sets its ticks. */
static void choose_axes(const chart *c, plane *p) {
  if (p->x_low == p->x_high) {
    p->x_low -= 0.5;
    p->x_high += 0.5;
  }
  p->x_ticks = ticks_linear(p->x_low, p->x_high, 6, c->whole);
  p->logarithmic = c->logarithmic && p->y_low > 0 && p->y_high / p->y_low > FAR_APART;
  if (p->logarithmic) {
    p->y_ticks = ticks_log(p->y_low, p->y_high);
    return;
  }
  double scale = c->percent ? 100 : 1, range = p->y_high - p->y_low;
  if (range < 1e-9) range = fmax(fabs(p->y_high) * 0.1, 1e-3);
  ticks guess = ticks_linear(0, range * scale, 5, false);
  double step = guess.step / scale;
  p->y_low = step * floor(p->y_low / step + 1e-6);
  p->y_high = step * ceil(p->y_high / step - 1e-6);
  if (p->y_high <= p->y_low) p->y_high = p->y_low + step;
  unsigned steps = (unsigned)lround((p->y_high - p->y_low) / step);
  p->y_ticks = ticks_linear(p->y_low * scale, p->y_high * scale, steps, false);
}

static void draw_y_axis(const chart *c, const plane *p, drawing *d) {
  char text[32];
  for (unsigned i = 0; i < p->y_ticks.count; i++) {
    double y = plot_y(p, p->y_ticks.at[i] / (c->percent ? 100 : 1));
    markup_add(&d->body, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>\n", LEFT, y, WIDTH - RIGHT);
    ticks_text(&p->y_ticks, i, text, sizeof text - 3);
    if (c->percent) snprintf(text + strlen(text), 4, " %%");
    drawing_text(d, LEFT - 6, y + 4, "end", "soft", text);
  }
}

static void draw_x_axis(const chart *c, const plane *p, drawing *d) {
  double bottom = p->top + p->height;
  char text[32];
  markup_add(&d->body, "<path class=\"axis\" d=\"M%d %.1fH%d\"/>\n", LEFT, bottom, WIDTH - RIGHT);
  for (unsigned i = 0; i < p->x_ticks.count; i++) {
    double x = plot_x(p, p->x_ticks.at[i]);
    markup_add(&d->body, "<path class=\"axis\" d=\"M%.1f %.1fv4\"/>\n", x, bottom);
    drawing_text(d, x, bottom + 17, x > WIDTH - RIGHT - 10 ? "end" : "middle", "soft",
                 ticks_text(&p->x_ticks, i, text, sizeof text));
  }
  drawing_text(d, (LEFT + WIDTH - RIGHT) / 2.0, bottom + 34, "middle", "soft", c->x_name);
}

static void draw_band(const chart_line *l, const plane *p, drawing *d) {
  const char *letter = "M";
  markup_add(&d->body, "<path class=\"band f%u\" d=\"", l->colour % DRAWING_COLOURS);
  for (size_t i = 0; i < l->count; i++, letter = "L")
    markup_add(&d->body, "%s%.1f %.1f", letter, plot_x(p, l->x[i]), plot_y(p, l->high[i]));
  for (size_t i = l->count; i-- > 0;)
    markup_add(&d->body, "L%.1f %.1f", plot_x(p, l->x[i]), plot_y(p, l->low[i]));
  markup_add(&d->body, "Z\"/>\n");
}

static const char *dashes(const chart_line *l) {
  static const char *const styles[] = {"", " stroke-dasharray=\"6 4\"",
                                       " stroke-dasharray=\"1.5 4\""};
  return styles[(l->colour / DRAWING_COLOURS + l->dashed) % 3];
}

static void draw_dots(const chart *c, const chart_line *l, const plane *p, drawing *d) {
  for (size_t i = 0; i < l->count; i++) {
    if (!drawn(l, i)) continue;
    markup_add(&d->body, "<circle class=\"f%u\" cx=\"%.1f\" cy=\"%.1f\" r=\"2.6\"><title>",
               l->colour % DRAWING_COLOURS, plot_x(p, l->x[i]), plot_y(p, l->y[i]));
    markup_escape(&d->body, l->label);
    markup_add(&d->body, ", ");
    markup_escape(&d->body, c->x_name);
    markup_add(&d->body, c->percent ? " %g: %.2f %%" : " %g: %.4g", l->x[i],
               c->percent ? 100 * l->y[i] : l->y[i]);
    markup_add(&d->body, "</title></circle>\n");
  }
}

/** Draws points alone: lines without length, whose ends are round. */
static void draw_points(const chart_line *l, const plane *p, drawing *d) {
  markup_add(&d->body, "<path class=\"points s%u\" d=\"M0 0", l->colour % DRAWING_COLOURS);
  for (size_t i = 0; i < l->count; i++)
    if (drawn(l, i)) markup_add(&d->body, "M%.1f %.1fh0", plot_x(p, l->x[i]), plot_y(p, l->y[i]));
  markup_add(&d->body, "\"/>\n");
}

static void draw_line(const chart *c, const chart_line *l, const plane *p, drawing *d) {
  const char *letter = "M";
  if (l->scattered) {
    draw_points(l, p, d);
    return;
  }
  if (l->low && l->count > 1) draw_band(l, p, d);
  markup_add(&d->body, "<path class=\"curve s%u\"%s d=\"", l->colour % DRAWING_COLOURS, dashes(l));
  for (size_t i = 0; i < l->count; i++) {
    if (!drawn(l, i)) continue;
    markup_add(&d->body, "%s%.1f %.1f", letter, plot_x(p, l->x[i]), plot_y(p, l->y[i]));
    letter = "L";
  }
  markup_add(&d->body, *letter == 'M' ? "M0 0\"/>\n" : "\"/>\n");
  if (l->dots) draw_dots(c, l, p, d);
}

/** Draws the legend, in rows; returns where it ends. */
static double draw_legend(const chart *c, drawing *d) {
  double x = LEFT, y = HEAD + ROW;
  if (c->count < 2 && (c->count == 0 || !c->line[0].label[0])) return HEAD + 10;
  for (size_t i = 0; i < c->count; i++) {
    const chart_line *l = &c->line[i];
    double width = 26 + fmin(drawing_text_width(l->label), WIDTH - LEFT - RIGHT - 26);
    if (x > LEFT && x + width > WIDTH - RIGHT) {
      x = LEFT;
      y += ROW;
    }
    markup_add(&d->body, "<path class=\"curve s%u\"%s d=\"M%.1f %.1fh16\"/>\n",
               l->colour % DRAWING_COLOURS, dashes(l), x, y - 4);
    drawing_text_within(d, x + 22, y, width - 20, "", l->label);
    x += width + 10;
  }
  return y + 14;
}

void chart_draw(const chart *c, drawing *d) {
  plane p;
  bool any = measure(c, &p);
  *d = (drawing){.width = WIDTH};
  snprintf(d->title, sizeof d->title, "%s", c->title);
  drawing_text(d, 0, HEAD - 6, "start", "head", c->title);
  p.top = draw_legend(c, d);
  p.height = c->tall ? TALL : PLOT;
  d->height = p.top + p.height + BELOW;
  if (!any) {
    drawing_text(d, WIDTH / 2.0, p.top + p.height / 2, "middle", "soft", "nothing was recorded");
    return;
  }
  choose_axes(c, &p);
  draw_y_axis(c, &p, d);
  draw_x_axis(c, &p, d);
  for (size_t i = 0; i < c->count; i++) draw_line(c, &c->line[i], &p, d);
}
