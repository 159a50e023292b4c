#include "backends/backend.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool contains_any_case(const char *text, const char *part) {
  size_t length = strlen(part);
  for (; strlen(text) >= length; text++) {
    size_t i = 0;
    while (i < length && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i])) i++;
    if (i == length) return true;
  }
  return false;
}

static void list_names(const dg_device_properties *infos, size_t count, char *out,
                       size_t capacity) {
  size_t used = 0;
  out[0] = '\0';
  for (size_t i = 0; i < count && used < capacity; i++)
    used +=
        (size_t)snprintf(out + used, capacity - used, "%s%zu: %s", i ? "; " : "", i, infos[i].name);
}

long dg_pick_device(const dg_device_properties *infos, size_t count, const char *wanted,
                    dg_error *err) {
  char names[600];
  list_names(infos, count, names, sizeof names);
  if (!wanted) return 0;
  char *end;
  unsigned long number = strtoul(wanted, &end, 10);
  if (isdigit((unsigned char)wanted[0]) && *end == '\0') {
    if (number < count) return (long)number;
    dg_fail(err, DG_ERR_INPUT, "no device %s; there %s %zu (%s)", wanted, count == 1 ? "is" : "are",
            count, names);
    return -1;
  }
  long found = -1;
  for (size_t i = 0; i < count; i++) {
    if (!contains_any_case(infos[i].name, wanted)) continue;
    if (found >= 0) {
      dg_fail(err, DG_ERR_INPUT,
              "more than one device has \"%s\" in its name; give its number (%s)", wanted, names);
      return -1;
    }
    found = (long)i;
  }
  if (found < 0)
    dg_fail(err, DG_ERR_INPUT, "no device has \"%s\" in its name; there %s %zu (%s)", wanted,
            count == 1 ? "is" : "are", count, names);
  return found;
}
