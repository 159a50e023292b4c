#include "manual/help.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/file/file.h"

enum { MAX_BYTES = 1 << 20, USAGE_INDENT = 7, ITEM_INDENT = 2 };

static help_block *add_block(help *h, help_kind kind, bool apart) {
  if (h->count == HELP_BLOCKS) return NULL;
  help_block *block = &h->block[h->count++];
  *block = (help_block){.kind = kind, .apart = apart};
  return block;
}

static void add_text(help_block *block, const char *text) {
  if (*text) markup_add(&block->text, "%s%s", block->text.length ? " " : "", text);
}

/** Cuts the first field of a line off, up to two spaces; returns what follows them, or NULL. */
static char *cut_field(char *line) {
  char *end = strstr(line, "  ");
  if (!end) return NULL;
  *end = '\0';
  return end + 1 + strspn(end + 1, " ");
}

/** Takes a line of options apart: terms, then what they mean. */
static void read_options(help_block *item, char *line) {
  while (line && line[0] == '-' && item->terms < HELP_TERMS) {
    item->term[item->terms++] = line;
    line = cut_field(line);
  }
  if (line) add_text(item, line);
}

/** Takes a line of a table apart: the last column explains the others, which become one term. */
static void read_row(help_block *item, char *line) {
  char *last = NULL;
  for (char *gap = line; (gap = strstr(gap, "  ")); gap += strspn(gap, " ")) last = gap;
  item->term[item->terms++] = line;
  if (last) {
    add_text(item, last + strspn(last, " "));
    *last = '\0';
  }
  for (char *gap = line; (gap = strstr(gap, "  ")); gap += 2)
    memmove(gap + 2, gap + strspn(gap, " "), strlen(gap + strspn(gap, " ")) + 1);
}

/** Reads a line that isn't empty into a new block, or one that it goes on with. */
static bool read_line(help *h, char *line, const char *next, bool apart) {
  help_block *last = h->count ? &h->block[h->count - 1] : NULL;
  size_t indent = strspn(line, " ");
  bool usage = strncmp(line, "Usage: ", USAGE_INDENT) == 0;
  if (usage || (last && last->kind == HELP_USAGE && indent == USAGE_INDENT)) {
    last = add_block(h, HELP_USAGE, apart);
    if (last) add_text(last, line + USAGE_INDENT);
  } else if (indent == ITEM_INDENT) {
    last = add_block(h, HELP_ITEM, apart);
    if (last) (line[indent] == '-' ? read_options : read_row)(last, line + indent);
  } else {
    bool goes_on = last && !apart && last->kind == (indent ? HELP_ITEM : HELP_TEXT);
    bool heading = indent == 0 && strncmp(next, "  ", ITEM_INDENT) == 0;
    if (!goes_on || heading) last = add_block(h, heading ? HELP_HEADING : HELP_TEXT, apart);
    if (last) add_text(last, line + indent);
  }
  return last != NULL;
}

/** Every option is explained; --help and --version are explained here. */
static bool check_items(help *h, const char *path, dg_error *err) {
  for (uint32_t i = 0; i < h->count; i++) {
    help_block *item = &h->block[i];
    if (item->kind != HELP_ITEM || item->text.length) continue;
    if (strstr(item->term[0], "--help"))
      add_text(item, item->terms > 1 ? "print this help, or the version of the program"
                                     : "print this help");
    else if (strcmp(item->term[0], "--version") == 0)
      add_text(item, "print the version of the program");
    else
      return dg_fail(err, DG_ERR_INPUT, "%s: %s has no meaning behind it", path, item->term[0]);
  }
  return true;
}

bool help_read(help *h, const char *path, dg_error *err) {
  size_t size;
  *h = (help){.store = dg_file_read(path, MAX_BYTES, &size, err)};
  if (!h->store) return false;
  bool apart = false;
  for (char *line = h->store, *next; *line; line = next) {
    size_t length = strcspn(line, "\n");
    next = line + length + (line[length] == '\n');
    line[length] = '\0';
    if (length && !read_line(h, line, next, apart))
      return dg_fail(err, DG_ERR_INPUT, "%s: more than %d paragraphs and options", path,
                     HELP_BLOCKS);
    apart = length == 0;
  }
  return check_items(h, path, err);
}

void help_free(help *h) {
  for (uint32_t i = 0; i < h->count; i++) markup_free(&h->block[i].text);
  free(h->store);
}

bool help_option(const char *term, char *name, char *value, size_t capacity) {
  const char *from = strstr(term, "--");
  if (term[0] != '-' || !from) return false;
  size_t length = strcspn(from, " ");
  const char *behind = from + length + strspn(from + length, " ");
  if (length >= capacity || strlen(behind) >= capacity) return false;
  memcpy(name, from, length);
  name[length] = '\0';
  strcpy(value, behind);
  return true;
}
