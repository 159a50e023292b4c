#include "manual/page.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file/file.h"
#include "core/base/text.h"

enum { MAX_BYTES = 1 << 20, LINE = 66, MAX_PATH = 4096 };

static const char exit_status[] = "Exit status: ";

/* ---- text --------------------------------------------------------------- */

/** Adds bytes that roff prints as they are. */
static void add_plain(markup *out, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) switch (text[i]) {
    case '\\':
      markup_add(out, "\\e");
      break;
    case '-':
      markup_add(out, "\\-");
      break;
    case '~':
      markup_add(out, "\\(ti");
      break;
    case '^':
      markup_add(out, "\\(ha");
      break;
    default:
      markup_add(out, "%c", text[i]);
    }
}

/** Adds a word; `font` B or I, or 0. */
static void add_word(markup *out, const char *word, size_t length, char font) {
  if (font) markup_add(out, "\\f%c", font);
  add_plain(out, word, length);
  if (font) markup_add(out, "\\fR");
}

/** Length of the option that a word begins with: "--test" of "--test," or 0. */
static size_t option_length(const char *word, size_t length) {
  if (length < 3 || strncmp(word, "--", 2) != 0) return 0;
  size_t end = 2;
  while (end < length && (isalpha((unsigned char)word[end]) || word[end] == '-')) end++;
  return end;
}

/** Adds a paragraph in lines of moderate length, options in bold. */
static void add_text(markup *out, const char *text) {
  size_t column = 0;
  for (size_t length; (length = strcspn(text, " ")) || *text; text += length) {
    if (length == 0) {
      length = 1;
      continue;
    }
    bool fits = column && column + 1 + length <= LINE;
    markup_add(out, "%s", fits ? " " : column ? "\n" : "");
    if (!fits && (text[0] == '.' || text[0] == '\'')) markup_add(out, "\\&");
    column = (fits ? column + 1 : 0) + length;
    size_t option = option_length(text, length);
    if (option) add_word(out, text, option, 'B');
    add_plain(out, text + option, length - option);
  }
  markup_add(out, "\n");
}

/** Adds what is typed, on one line: placeholders in italics, the rest bold. */
static void add_typed(markup *out, const char *text) {
  for (size_t length; *text; text += length) {
    bool letter = isalpha((unsigned char)*text) || *text == '-' || *text == '.';
    length = 1;
    while (letter && (isalnum((unsigned char)text[length]) || strchr("-.", text[length])) &&
           text[length])
      length++;
    bool place = isupper((unsigned char)text[0]);
    add_word(out, text, length, !letter ? 0 : place ? 'I' : 'B');
  }
  markup_add(out, "\n");
}

/* ---- sections ----------------------------------------------------------- */

static void add_synopsis(markup *out, const help *h) {
  markup_add(out, ".SH SYNOPSIS\n");
  bool first = true;
  for (uint32_t i = 0; i < h->count; i++) {
    if (h->block[i].kind != HELP_USAGE) continue;
    if (!first) markup_add(out, ".br\n");
    add_typed(out, h->block[i].text.text);
    first = false;
  }
}

static bool is_exit_status(const help_block *block) {
  return block->kind == HELP_TEXT &&
         strncmp(block->text.text, exit_status, sizeof exit_status - 1) == 0;
}

/** Adds the paragraphs that stand alone, from block `from` up to the first heading or item; returns
    that one's place. */
static uint32_t add_paragraphs(markup *out, const help *h, uint32_t from) {
  uint32_t paragraphs = 0;
  for (; from < h->count; from++) {
    const help_block *block = &h->block[from];
    if (block->kind == HELP_HEADING || block->kind == HELP_ITEM) break;
    if (block->kind != HELP_TEXT || is_exit_status(block)) continue;
    if (paragraphs++) markup_add(out, ".PP\n");
    add_text(out, block->text.text);
  }
  return from;
}

static void add_item(markup *out, const help_block *item) {
  for (uint32_t t = 0; t < item->terms; t++) {
    markup_add(out, t ? ".TQ\n" : ".TP\n");
    add_typed(out, item->term[t]);
  }
  add_text(out, item->text.text);
}

/** Adds headings and items, with the paragraphs that belong to them, from block `from` on. */
static void add_options(markup *out, const help *h, uint32_t from) {
  bool headed = false;
  markup_add(out, ".SH OPTIONS\n");
  for (uint32_t i = from; i < h->count; i++) {
    const help_block *block = &h->block[i];
    if (block->kind == HELP_HEADING) {
      markup_add(out, ".SS ");
      add_text(out, block->text.text);
      headed = true;
    } else if (block->kind == HELP_ITEM) {
      if (block->apart && headed) markup_add(out, ".SS Others\n");
      add_item(out, block);
    } else if (block->kind == HELP_TEXT && !block->apart) {
      markup_add(out, ".PP\n");
      add_text(out, block->text.text);
    }
  }
}

/** Adds the paragraphs below the options. */
static void add_notes(markup *out, const help *h, uint32_t from) {
  bool first = true;
  for (uint32_t i = from; i < h->count; i++) {
    const help_block *block = &h->block[i];
    if (block->kind != HELP_TEXT || !block->apart || is_exit_status(block)) continue;
    markup_add(out, first ? ".SH NOTES\n" : ".PP\n");
    add_text(out, block->text.text);
    first = false;
  }
}

/** Adds "Exit status: 0 done; 1 …" as a list: a number begins what follows a semicolon. */
static bool add_exit_status(markup *out, const help *h, dg_error *err) {
  const char *text = NULL;
  for (uint32_t i = 0; i < h->count; i++)
    if (is_exit_status(&h->block[i])) text = h->block[i].text.text + sizeof exit_status - 1;
  if (!text) return dg_fail(err, DG_ERR_INPUT, "--help says nothing of the exit status");
  markup_add(out, ".SH \"EXIT STATUS\"\n");
  while (*text) {
    size_t digits = strspn(text, "0123456789");
    const char *end = text + digits;
    while (*end && !(end[0] == ';' && isdigit((unsigned char)end[2]))) end++;
    char meaning[1024] = "";
    dg_append(meaning, sizeof meaning, "%.*s", (int)(end - text - digits), text + digits);
    size_t last = strlen(meaning);
    if (last && meaning[last - 1] == '.') meaning[last - 1] = '\0';
    markup_add(out, ".TP\n.B %.*s\n", (int)digits, text);
    add_text(out, meaning);
    text = *end ? end + 2 : end;
  }
  return true;
}

/* ---- what a person wrote ------------------------------------------------ */

/** Adds the lines of a file from byte `from` on, and for a line @FILE those of the file beside it.
 */
static bool add_part(markup *out, const char *text, const char *path, dg_error *err) {
  for (const char *line = text; *line;) {
    size_t length = strcspn(line, "\n");
    if (line[0] != '@') {
      markup_add(out, "%.*s\n", (int)length, line);
    } else {
      char other[MAX_PATH] = "";
      const char *slash = strrchr(path, '/');
      dg_append(other, sizeof other, "%.*s%.*s", slash ? (int)(slash + 1 - path) : 0, path,
                (int)length - 1, line + 1);
      size_t size;
      char *content = dg_file_read(other, MAX_BYTES, &size, err);
      if (!content) return false;
      markup_add(out, "%s", content);
      free(content);
    }
    line += length + (line[length] == '\n');
  }
  return true;
}

static void add_others(markup *out, const page_frame *frame) {
  markup_add(out, ".SH \"SEE ALSO\"\n");
  const char *between = "";
  for (size_t i = 0; i < frame->other_count; i++) {
    if (strcmp(frame->others[i], frame->program) == 0) continue;
    markup_add(out, "%s.BR ", between);
    add_plain(out, frame->others[i], strlen(frame->others[i]));
    markup_add(out, " (1)");
    between = ",\n";
  }
  markup_add(out, "\n");
}

bool page_write(markup *out, const help *h, const page_frame *frame, dg_error *err) {
  size_t size;
  char *part = dg_file_read(frame->part, MAX_BYTES, &size, err);
  if (!part) return false;
  markup_add(out, ".TH ");
  for (const char *c = frame->program; *c; c++) markup_add(out, "%c", toupper((unsigned char)*c));
  markup_add(out, " 1 %s \"digits %s\" \"User Commands\"\n.SH NAME\n", frame->date, frame->version);
  add_plain(out, frame->program, strlen(frame->program));
  size_t brief = strcspn(part, "\n");
  markup_add(out, " \\- %.*s\n", (int)brief, part);
  add_synopsis(out, h);
  markup_add(out, ".SH DESCRIPTION\n");
  uint32_t options = add_paragraphs(out, h, 0);
  const char *rest = part + brief + (part[brief] == '\n'), *sections = strstr(rest, ".SH ");
  if (!sections) sections = rest + strlen(rest);
  markup_add(out, "%.*s", (int)(sections - rest), rest);
  add_options(out, h, options);
  bool ok = add_exit_status(out, h, err) && add_part(out, sections, frame->part, err);
  if (ok) add_notes(out, h, options);
  if (ok) add_others(out, frame);
  free(part);
  return ok;
}
