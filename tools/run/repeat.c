#include "tools/run/repeat.h"

#include <string.h>

#include "core/base/text.h"

static const char plain[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

/** Adds a word that needs escapes, quoted as $'…'. Bytes that are not ASCII letters are written in
    octal with three digits, so that a following digit is not part of them. */
static void add_bytes(markup *line, const char *word) {
  markup_add(line, " $'");
  for (; *word; word++) {
    bool letter = *word >= ' ' && *word <= '~', special = *word == '\'' || *word == '\\';
    markup_add(line, letter ? "%s%c" : "%s%03o", letter && !special ? "" : "\\",
               letter ? *word : (unsigned char)*word);
  }
  markup_add(line, "'");
}

static void add_word(markup *line, const char *word) {
  if (*word && strspn(word, plain) == strlen(word)) {
    markup_add(line, " %s", word);
    return;
  }
  if (!dg_is_visible(word)) {
    add_bytes(line, word);
    return;
  }
  markup_add(line, " '");
  for (; *word; word++) markup_add(line, *word == '\'' ? "'\\''" : "%c", *word);
  markup_add(line, "'");
}

void repeat_words(markup *line, int argc, char **argv) {
  for (int i = 1; i < argc; i++) add_word(line, argv[i]);
}

void repeat_option(markup *line, const char *option, const char *value) {
  add_word(line, option);
  add_word(line, value);
}
