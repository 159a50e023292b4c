#include "manual/completion.h"

#include <ctype.h>
#include <string.h>

enum { MAX_NAME = 128, MAX_WORDS = 8 };

/** Calls `add` for each option, with what it takes and means. */
static void each_option(markup *out, const help *h,
                        void (*add)(markup *out, const char *name, const char *value,
                                    const char *meaning)) {
  char name[MAX_NAME], value[MAX_NAME];
  for (uint32_t i = 0; i < h->count; i++)
    for (uint32_t t = 0; h->block[i].kind == HELP_ITEM && t < h->block[i].terms; t++)
      if (help_option(h->block[i].term[t], name, value, sizeof name))
        add(out, name, value, h->block[i].text.text);
}

/** Adds what may stand for a value, in words: "cpu|opencl[,...]" becomes "cpu opencl ,". */
static void add_kinds(markup *out, const char *value) {
  for (; *value && *value != '['; value++) markup_add(out, "%c", *value == '|' ? ' ' : *value);
  if (strncmp(value, "[,", 2) == 0) markup_add(out, " ,");
}

/** Does a term take a value that must be there, unlike "--help [layers]"? */
static bool takes_value(const char *value) {
  return value[0] && value[0] != '[';
}

/* ---- words that are no options ------------------------------------------ */

/** What may stand at each place, from all usages. */
typedef struct {
  markup at[MAX_WORDS];
  uint32_t count;
  bool repeated; /**< the last may be given often */
} places;

/** Adds the words of a usage: "digits-data [options] write FOLDER". */
static void add_usage(places *p, const char *usage) {
  uint32_t place = 0;
  const char *word = usage + strcspn(usage, " ");
  for (size_t length; place < MAX_WORDS && *word; word += length) {
    word += strspn(word, " ");
    length = strcspn(word, " ");
    if (length == 0 || strncmp(word, "[options]", length) == 0) continue;
    size_t bare = length;
    while (bare && strchr(".]", word[bare - 1])) bare--;
    size_t open = word[0] == '[';
    p->repeated |= bare + 3 <= length && strncmp(word + bare, "...", 3) == 0;
    markup *at = &p->at[place++];
    markup_add(at, "%s%.*s", at->length ? " " : "", (int)(bare - open), word + open);
  }
  if (place > p->count) p->count = place;
}

static void places_read(places *p, const help *h) {
  *p = (places){0};
  for (uint32_t i = 0; i < h->count; i++)
    if (h->block[i].kind == HELP_USAGE) add_usage(p, h->block[i].text.text);
}

static void places_free(places *p) {
  for (uint32_t i = 0; i < MAX_WORDS; i++) markup_free(&p->at[i]);
}

static bool finish(const markup *out, dg_error *err) {
  return !out->failed || dg_fail_memory(err, out->capacity);
}

/* ---- bash --------------------------------------------------------------- */

static void bash_name(markup *out, const char *name, const char *value, const char *meaning) {
  (void)meaning;
  (void)value;
  markup_add(out, " %s", name);
}

static void bash_value(markup *out, const char *name, const char *value, const char *meaning) {
  (void)meaning;
  if (!takes_value(value)) return;
  markup_add(out, "    %s) kinds='", name);
  add_kinds(out, value);
  markup_add(out, "' ;;\n");
}

bool completion_bash(markup *out, const help *h, const char *program, dg_error *err) {
  places p;
  markup_add(out, "_digits_takes_%s() {\n  options='", program + strlen("digits-"));
  each_option(out, h, bash_name);
  markup_add(out, "'\n  case $1 in\n");
  each_option(out, h, bash_value);
  places_read(&p, h);
  for (uint32_t i = 0; i < p.count; i++)
    markup_add(out, "    %u%s) kinds='%s' ;;\n", i + 1,
               p.repeated && i + 1 == p.count ? " | [0-9]*" : "", p.at[i].text);
  places_free(&p);
  markup_add(out, "    *) kinds= ;;\n  esac\n}\n");
  return finish(out, err);
}

/* ---- zsh ---------------------------------------------------------------- */

/** Adds what an option means for `_arguments`, between single quotes. */
static void zsh_meaning(markup *out, const char *meaning) {
  for (; *meaning && *meaning != ';'; meaning++) {
    if (*meaning == '\'')
      markup_add(out, "'\\''");
    else
      markup_add(out, "%s%c", strchr("[]:\\", *meaning) ? "\\" : "", *meaning);
  }
}

static void zsh_option(markup *out, const char *name, const char *value, const char *meaning) {
  bool often = strchr(value, '=') != NULL; /* PATH=VALUE */
  markup_add(out, "      '%s%s%s[", often ? "*" : "", name, takes_value(value) ? "=" : "");
  zsh_meaning(out, meaning);
  markup_add(out, "]");
  if (takes_value(value)) {
    markup_add(out, ":");
    markup_escape(out, name + 2);
    markup_add(out, ":_digits_values ");
    add_kinds(out, value);
  }
  markup_add(out, "'\n");
}

bool completion_zsh(markup *out, const help *h, const char *program, dg_error *err) {
  places p;
  markup_add(out, "  %s)\n    specs=(\n", program);
  each_option(out, h, zsh_option);
  places_read(&p, h);
  for (uint32_t i = 0; i < p.count; i++) {
    bool last = p.repeated && i + 1 == p.count;
    markup_add(out, last ? "      '*" : "      '%u", i + 1);
    markup_add(out, ":word:_digits_values %s'\n", p.at[i].text);
  }
  places_free(&p);
  markup_add(out, "    )\n    ;;\n");
  return finish(out, err);
}
