/** The layers explained, from the tables that check them. */
#include <stdarg.h>
#include <stdio.h>

#include "core/digits.h"
#include "core/layers/layer.h"

/** A text that is measured even where it no longer fits. */
typedef struct {
  char *text;
  size_t room, used;
} writer;

__attribute__((format(printf, 2, 3))) static void put(writer *w, const char *format, ...) {
  va_list args;
  va_start(args, format);
  size_t left = w->used < w->room ? w->room - w->used : 0;
  int written = vsnprintf(left ? w->text + w->used : NULL, left, format, args);
  va_end(args);
  if (written > 0) w->used += (size_t)written;
}

size_t dg_layers_help(char *text, size_t room) {
  writer w = {text, room, 0};
  put(&w,
      "Every layer may have a name (name = \"conv1\";) and reads the layer before it, or those\n"
      "that it names (input = \"a\"; or inputs = [\"a\", \"b\"];).\n");
  for (size_t i = 0; dg_layer_classes[i]; i++) {
    const dg_layer_class *kind = dg_layer_classes[i];
    put(&w, "\n%s\n    %s\n", kind->type, kind->help);
    for (size_t k = 0; k < kind->key_count; k++) {
      char values[400];
      dg_key_describe(&kind->keys[k], kind->defaults, values, sizeof values);
      put(&w, "    %-8s %s\n             %s\n", kind->keys[k].name, kind->keys[k].help, values);
    }
  }
  return w.used;
}
