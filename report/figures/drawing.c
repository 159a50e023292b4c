#include "report/figures/drawing.h"

#include <string.h>

/** Average width of a character in the small font. */
static const double character_width = 6.4;

const char drawing_style[] =
    ":root{color-scheme:light dark;--paper:#ffffff;--back:#f5f6f8;--ink:#1c2126;--soft:#5b6570;"
    "--line:#dfe3e8;--box:#f3f5f7;--good:#0072b2;--bad:#c24e00;"
    "--c0:#0072b2;--c1:#d55e00;--c2:#00876c;--c3:#b0508f;--c4:#2e9bd6;--c5:#a07a00;--c6:#4b5560;"
    "--c7:#7a4fc0}\n"
    "@media (prefers-color-scheme:dark){:root{--paper:#191d22;--back:#111417;--ink:#e7eaed;"
    "--soft:#9da7b1;--line:#333b43;--box:#232930;--good:#5ab4f0;--bad:#ff9550;"
    "--c0:#5ab4f0;--c1:#ff8f4a;--c2:#35c7a2;--c3:#e79bcb;--c4:#9fd8ff;--c5:#e5c04a;--c6:#b6bfc8;"
    "--c7:#b79bf0}}\n"
    "svg text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',sans-serif;"
    "fill:var(--ink)}\n"
    "svg text.soft{fill:var(--soft)}svg text.head{font-weight:600;font-size:13px}"
    "svg text.strong{font-weight:600}svg text.tiny{font-size:10px}svg text.large{font-size:16px}"
    "svg text.good{fill:var(--good)}svg text.bad{fill:var(--bad)}\n"
    "svg .grid{stroke:var(--line);stroke-width:1}svg .axis{stroke:var(--soft);stroke-width:1}"
    "svg .edge{stroke:var(--soft);stroke-width:1.4;fill:none}svg .head-of-edge{fill:var(--soft)}"
    "svg .paper{fill:var(--paper)}svg .box{fill:var(--box);stroke:var(--line)}\n"
    "svg .curve{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}"
    "svg .points{fill:none;stroke-width:4;stroke-linecap:round;opacity:.4}\n"
    "svg .band{opacity:.18;stroke:none}svg .then{fill:var(--soft);opacity:.55}\n"
    "svg .s0{stroke:var(--c0)}svg .s1{stroke:var(--c1)}svg .s2{stroke:var(--c2)}"
    "svg .s3{stroke:var(--c3)}svg .s4{stroke:var(--c4)}svg .s5{stroke:var(--c5)}"
    "svg .s6{stroke:var(--c6)}svg .s7{stroke:var(--c7)}\n"
    "svg .f0{fill:var(--c0)}svg .f1{fill:var(--c1)}svg .f2{fill:var(--c2)}svg .f3{fill:var(--c3)}"
    "svg .f4{fill:var(--c4)}svg .f5{fill:var(--c5)}svg .f6{fill:var(--c6)}svg .f7{fill:var(--c7)}"
    "\n";

void drawing_text(drawing *d, double x, double y, const char *anchor, const char *class,
                  const char *text) {
  markup_add(&d->body, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y, anchor,
             class);
  markup_escape(&d->body, text);
  markup_add(&d->body, "</text>\n");
}

/** Characters of a UTF-8 text. */
static size_t characters(const char *text) {
  size_t count = 0;
  for (; *text; text++) count += ((unsigned char)*text & 0xc0) != 0x80;
  return count;
}

double drawing_text_width(const char *text) {
  return character_width * (double)characters(text);
}

void drawing_text_within(drawing *d, double x, double y, double width, const char *class,
                         const char *text) {
  size_t most = (size_t)(width / character_width), used = 0, bytes = 0;
  char part[200];
  bool whole = characters(text) <= most;
  while (text[bytes] && bytes + 8 < sizeof part && (whole || used + 1 < most)) {
    bytes++;
    used += ((unsigned char)text[bytes] & 0xc0) != 0x80;
  }
  while (((unsigned char)text[bytes] & 0xc0) == 0x80) bytes--;
  memcpy(part, text, bytes);
  strcpy(part + bytes, text[bytes] ? "…" : "");
  drawing_text(d, x, y, "start", class, part);
}

static void begin(const drawing *d, markup *m) {
  markup_add(m, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" ", d->width,
             d->height);
  markup_add(m, "width=\"%.0f\" height=\"%.0f\" role=\"img\" aria-label=\"", d->width, d->height);
  markup_escape(m, d->title);
  markup_add(m, "\">\n");
}

void drawing_inline(const drawing *d, markup *page) {
  begin(d, page);
  markup_append(page, &d->body);
  markup_add(page, "</svg>\n");
}

bool drawing_write(const drawing *d, const char *path, dg_error *err) {
  markup m = {0};
  begin(d, &m);
  markup_add(&m, "<style>%s</style>\n<rect class=\"paper\" width=\"100%%\" height=\"100%%\"/>\n",
             drawing_style);
  markup_append(&m, &d->body);
  markup_add(&m, "</svg>\n");
  bool ok = markup_write(&m, path, err);
  markup_free(&m);
  return ok;
}

void drawing_free(drawing *d) {
  markup_free(&d->body);
}
