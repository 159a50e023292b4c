#include "tools/repeat.h"

#include <string.h>

static const char plain[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";

static void add_word(markup *line, const char *word) {
  if (*word && strspn(word, plain) == strlen(word)) {
    markup_add(line, " %s", word);
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
