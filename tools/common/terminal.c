#include "tools/common/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool terminal_obeys(int descriptor) {
  const char *kind = getenv("TERM");
  return kind && *kind && strcmp(kind, "dumb") != 0 && isatty(descriptor) == 1;
}

bool terminal_colored(int descriptor) {
  const char *plain = getenv("NO_COLOR");
  return (!plain || !*plain) && terminal_obeys(descriptor);
}
