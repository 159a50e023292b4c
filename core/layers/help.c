/** The help on layers, from the tables that check them. */
#include "core/base/file/writer.h"
#include "core/layers/layers.h"
#include "digits/model.h"

size_t dg_layer_help(char *text, size_t size) {
  dg_writer w = {text, size, 0};
  dg_write(
      &w,
      "Every layer may have a name (name = \"conv1\";) and reads the layer before it, or those\n"
      "that it names (input = \"a\"; or inputs = [\"a\", \"b\"];).\n"
      "\n"
      "A block of layers is written once, for any number of copies:\n"
      "    { name = \"layer1\"; repeat = 3; layers = ( { type = \"conv2d\"; name = \"conv1\"; ... "
      "}, ... ); }\n"
      "    name     begins the names of the layers, layer1.0.conv1; a # in it stands for the "
      "number\n"
      "    repeat   copies, which have numbers; without it the block is there once and has none\n"
      "    first    number of the first copy; default 0\n"
      "    input    what goes into the first copy; default: the layer before the block\n"
      "In a block, \"input\" is what goes into the copy; other names are looked up in the copy,\n"
      "then around it. The name of a block, or of a copy, stands for its last layer.\n");
  for (size_t i = 0; dg_layer_classes[i]; i++) {
    const dg_layer_class *kind = dg_layer_classes[i];
    dg_write(&w, "\n%s\n    %s\n", kind->type, kind->help);
    for (size_t k = 0; k < kind->key_count; k++) {
      char values[400];
      dg_key_describe(&kind->keys[k], kind->defaults, values, sizeof values);
      dg_write(&w, "    %-8s %s\n             %s\n", kind->keys[k].name, kind->keys[k].help,
               values);
    }
  }
  return w.used;
}
