#include "core/exchange/map/alike.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- comparing ---------------------------------------------------------- */

static bool digit(char c) {
  return isdigit((unsigned char)c) != 0;
}

int dg_names_compare(const char *a, const char *b) {
  while (*a && *b) {
    if (digit(*a) && digit(*b)) {
      char *behind_a, *behind_b;
      unsigned long long x = strtoull(a, &behind_a, 10), y = strtoull(b, &behind_b, 10);
      if (x != y) return x < y ? -1 : 1;
      a = behind_a;
      b = behind_b;
    } else if (*a != *b) {
      return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
    } else {
      a++;
      b++;
    }
  }
  return (*a != '\0') - (*b != '\0');
}

/** Skips the number at `name` and the '_' before it; Keras omits both for the first layer. */
static const char *behind_number(const char *name) {
  if (*name == '_' && digit(name[1])) name++;
  while (digit(*name)) name++;
  return name;
}

bool dg_names_alike(const char *a, const char *b) {
  for (;;) {
    a = behind_number(a);
    b = behind_number(b);
    if (*a != *b) return false;
    if (*a == '\0') return true;
    a++;
    b++;
  }
}

int dg_names_order(const char *a, const char *b) {
  return dg_names_alike(a, b) ? dg_names_compare(a, b) : 0;
}

/* ---- words in names ----------------------------------------------------- */

bool dg_name_ends(const char *name, const char *layer) {
  size_t all = strlen(name), length = strlen(layer);
  return all >= length && strcmp(name + all - length, layer) == 0 &&
         (all == length || strchr("./", name[all - length - 1]));
}

bool dg_name_mentions(const char *name, const char *layer) {
  size_t length = strlen(layer);
  for (const char *at = name; *at; at++) {
    bool begins = at == name || !isalnum((unsigned char)at[-1]);
    if (begins && strncasecmp(at, layer, length) == 0 && !isalnum((unsigned char)at[length]))
      return true;
  }
  return false;
}

bool dg_name_denies(const char *name, const char *suffix) {
  static const char *const words[][2] = {{"weight", "weight"},
                                         {"kernel", "weight"},
                                         {"gamma", "weight"},
                                         {"scale", "weight"},
                                         {"w", "weight"},
                                         {"g", "weight"},
                                         {"bias", "bias"},
                                         {"beta", "bias"},
                                         {"shift", "bias"},
                                         {"b", "bias"},
                                         {"mean", "running_mean"},
                                         {"runningmean", "running_mean"},
                                         {"movingmean", "running_mean"},
                                         {"var", "running_var"},
                                         {"variance", "running_var"},
                                         {"runningvar", "running_var"},
                                         {"movingvariance", "running_var"}};
  char letters[32];
  size_t count = 0;
  for (const char *at = name; *at && count + 1 < sizeof letters; at++)
    if (isalpha((unsigned char)*at)) letters[count++] = (char)tolower((unsigned char)*at);
  letters[count] = '\0';
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcmp(words[i][0], letters) == 0) return strcmp(words[i][1], suffix) != 0;
  return false;
}
