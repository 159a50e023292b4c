#include "report/page.h"
#include "digits/version.h"

static const char page_style[] =
    "*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);"
    "font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',sans-serif}\n"
    "main{max-width:1080px;margin:0 auto;padding:24px 16px 48px}h1{font-size:26px;line-height:1.2;"
    "margin:0 0 4px;overflow-wrap:anywhere}h2{font-size:18px;margin:0 0 4px}\n"
    "p{margin:0 0 12px}.soft,figcaption,footer{color:var(--soft)}.note{max-width:70ch}"
    "section{background:var(--paper);border:1px solid var(--line);border-radius:10px;"
    "padding:18px;margin:18px 0}\n"
    ".facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:10px;"
    "margin:18px 0}.fact{background:var(--paper);border:1px solid var(--line);border-radius:10px;"
    "padding:10px 14px}.fact b{display:block;font-size:21px;line-height:1.3;"
    "font-variant-numeric:tabular-nums}.fact span{color:var(--soft);font-size:13px}\n"
    ".grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));"
    "gap:22px;align-items:start}.grid>*{min-width:0}figure{margin:0}"
    "figure>svg{display:block;width:100%;height:auto;max-width:560px}.wide>figure>svg{max-width:"
    "none}\n"
    "img{display:block;max-width:100%;height:auto;image-rendering:pixelated}"
    "figcaption{font-size:13px;margin-top:6px;overflow-wrap:anywhere}\n"
    ".stopped{border-left:5px solid var(--bad);padding:10px 14px;background:var(--paper);"
    "border-radius:6px;overflow-wrap:anywhere}.scroll{overflow-x:auto}\n"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}"
    "th,td{text-align:left;padding:5px 14px 5px 0;border-bottom:1px solid var(--line);"
    "vertical-align:top}th{font-weight:600;color:var(--soft)}"
    "td.number,th.number{text-align:right;white-space:nowrap}td.whole{white-space:nowrap}tr:last-"
    "child>td{border-bottom:0}\n"
    "table.plain th{white-space:nowrap;width:1%}table.plain td{overflow-wrap:anywhere}"
    "pre{margin:0;overflow-x:auto;padding:12px;background:var(--back);border-radius:6px;"
    "font:13px/1.45 ui-monospace,Menlo,Consolas,monospace}\n"
    "pre.wrap{white-space:pre-wrap;overflow-wrap:anywhere}h3{font-size:14px;margin:14px 0 6px}"
    "details{margin-top:14px}summary{cursor:pointer;color:var(--soft)}details pre{margin-top:8px}\n"
    ".mistakes{display:grid;grid-template-columns:repeat(auto-fill,minmax(92px,1fr));gap:12px}"
    ".mistakes img{width:72px;height:72px;object-fit:contain;background:#fff;"
    "border:1px solid var(--line);border-radius:4px}.mistakes figcaption{line-height:1.35}"
    ".mistakes b{color:var(--ink)}.mistakes i{font-style:normal;color:var(--bad);font-weight:600}\n"
    ".key{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:8px}"
    "footer{font-size:13px;margin-top:24px}\n"
    ".k0{background:var(--c0)}.k1{background:var(--c1)}.k2{background:var(--c2)}"
    ".k3{background:var(--c3)}.k4{background:var(--c4)}.k5{background:var(--c5)}"
    ".k6{background:var(--c6)}.k7{background:var(--c7)}\n"
    "@media (max-width:560px){main{padding:14px 8px 32px}section{padding:13px}table{font-size:12px}"
    "th,td{padding-right:7px}}\n"
    "@media print{section,.fact{break-inside:avoid}}\n";

void page_begin(page *p, const char *folder, const char *title, const char *subtitle) {
  *p = (page){.folder = folder};
  markup *m = &p->html;
  markup_add(m, REPORT_MARK " %s\">\n", dg_version());
  markup_add(m, "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>");
  markup_escape(m, title);
  markup_add(m, "</title>\n<style>\n%s%s</style>\n</head>\n<body>\n<main>\n<h1>", drawing_style,
             page_style);
  markup_escape(m, title);
  markup_add(m, "</h1>\n<p class=\"soft\">");
  markup_escape(m, subtitle);
  markup_add(m, "</p>\n");
}

void page_section(page *p, const char *heading, const char *note) {
  markup_add(&p->html, "<section>\n<h2>");
  markup_escape(&p->html, heading);
  markup_add(&p->html, "</h2>\n<p class=\"soft note\">");
  markup_escape(&p->html, note);
  markup_add(&p->html, "</p>\n");
}

void page_section_end(page *p) {
  markup_add(&p->html, "</section>\n");
}

bool page_drawing(page *p, const drawing *d, report_file file, dg_error *err) {
  char path[REPORT_PATH];
  report_path(p->folder, file, path);
  markup_add(&p->html, "<figure>\n");
  drawing_inline(d, &p->html);
  markup_add(&p->html, "</figure>\n");
  return drawing_write(d, path, err);
}

bool page_picture(page *p, const picture *image, report_file file, const char *caption,
                  dg_error *err) {
  char path[REPORT_PATH];
  report_path(p->folder, file, path);
  markup_add(&p->html, "<figure>\n<img width=\"%u\" height=\"%u\" alt=\"", image->width,
             image->height);
  markup_escape(&p->html, caption);
  markup_add(&p->html, "\" src=\"");
  picture_inline(image, &p->html);
  markup_add(&p->html, "\">\n<figcaption>");
  markup_escape(&p->html, caption);
  markup_add(&p->html, "</figcaption>\n</figure>\n");
  return picture_write(image, path, err);
}

bool page_end(page *p, dg_error *err) {
  char path[REPORT_PATH];
  report_path(p->folder, REPORT_PAGE, path);
  markup_add(&p->html, "<footer>Made by digits %s.</footer>\n</main>\n</body>\n</html>\n",
             dg_version());
  bool ok = markup_write(&p->html, path, err);
  markup_free(&p->html);
  return ok;
}
