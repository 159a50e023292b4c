/** dg_weights_convert: a reader, the mapping, and a writer. */
#include <stdio.h>
#include <string.h>

#include "core/base/sized.h"
#include "core/base/text.h"
#include "core/exchange/files.h"
#include "core/exchange/keras/keras.h"
#include "core/exchange/map/map.h"
#include "digits/exchange.h"
#include "digits/model.h"

/* ---- formats ------------------------------------------------------------ */

typedef struct {
  const char *name;
  const char *extensions[6];                      /**< ended by NULL */
  bool (*read)(dg_arrays *arrays, dg_error *err); /**< NULL: can't be read */
  bool (*write)(const char *path, const dg_model *model, const dg_model_graph *graph,
                const dg_arrays *arrays, dg_error *err); /**< NULL: can't be written */
} format;

static const format formats[] = {
    {"safetensors", {".safetensors"}, dg_read_safetensors, dg_write_safetensors},
    {"pytorch", {".pth", ".pt", ".ckpt", ".bin", ".pth.tar"}, dg_read_pytorch, NULL},
    {"hdf5", {".h5", ".hdf5"}, dg_read_hdf5, NULL},
    {"keras", {".keras"}, dg_read_keras, NULL},
    {"npz", {".npz"}, dg_read_npz, dg_write_npz},
    {"onnx", {".onnx"}, NULL, dg_write_onnx},
};
enum { FORMATS = sizeof formats / sizeof *formats };

static bool has_extension(const format *f, const char *path) {
  size_t length = strlen(path);
  for (const char *const *e = f->extensions; *e; e++)
    if (length > strlen(*e) && strcmp(path + length - strlen(*e), *e) == 0) return true;
  return false;
}

/** The names of all formats that can be read, or written. */
static const char *list_formats(bool reading, char *text, size_t capacity) {
  *text = '\0';
  for (size_t i = 0; i < FORMATS; i++)
    if (reading ? formats[i].read != NULL : formats[i].write != NULL)
      dg_append(text, capacity, "%s%s", *text ? ", " : "", formats[i].name);
  return text;
}

/** The format of a file, by name or else by the extension. */
static const format *choose(const char *path, const char *name, bool reading, dg_error *err) {
  const format *found = NULL;
  char names[200];
  for (size_t i = 0; i < FORMATS && !found; i++)
    if (name ? strcmp(formats[i].name, name) == 0 : has_extension(&formats[i], path))
      found = &formats[i];
  if (found && (reading ? found->read != NULL : found->write != NULL)) return found;
  list_formats(reading, names, sizeof names);
  if (found)
    dg_fail(err, DG_ERR_INPUT, "%s: %s is not %s; what is: %s", path, found->name,
            reading ? "read" : "written", names);
  else if (name)
    dg_fail(err, DG_ERR_INPUT, "unknown format \"%s\"; there are %s", name, names);
  else
    dg_fail(err, DG_ERR_INPUT, "%s: its extension names no format; there are %s", path, names),
        dg_advise(err, DG_REMEDY_FORMAT);
  return NULL;
}

static bool choose_layout(const char *name, dg_layout *layout, dg_error *err) {
  if (!name) return true;
  *layout = strcmp(name, "keras") == 0 ? DG_LAYOUT_KERAS : DG_LAYOUT_PYTORCH;
  return *layout == DG_LAYOUT_KERAS || strcmp(name, "pytorch") == 0 ||
         dg_fail(err, DG_ERR_INPUT, "unknown layout \"%s\"; there are pytorch and keras", name);
}

/** Are these Keras's names? No other framework uses them. */
static bool has_keras_names(const dg_arrays *arrays) {
  static const char *const words[] = {"kernel", "kernel:0", "gamma", "gamma:0", "moving_mean"};
  for (size_t i = 0; i < arrays->count; i++) {
    const dg_array *array = &arrays->items[i];
    const char *last = array->name + (array->layer ? array->layer + 1 : 0);
    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
      if (strcmp(last, words[w]) == 0) return true;
  }
  return false;
}

/* ---- converting --------------------------------------------------------- */

/** The model in a file. */
static dg_model *carried_model(const dg_arrays *arrays, dg_error *err) {
  char where[300];
  snprintf(where, sizeof where, "%s (its model)", arrays->path);
  if (arrays->model) return dg_model_parse(arrays->model, where, NULL, 0, err);
  dg_fail(err, DG_ERR_INPUT, "%s: the file carries no model", arrays->path);
  dg_advise(err, DG_REMEDY_MODEL);
  return NULL;
}

/** Compares the settings in the file with the model's. */
static bool compare(const dg_arrays *arrays, const dg_keras_network *network,
                    const dg_model_graph *graph, const dg_model *model, const dg_arrays *ours,
                    const dg_convert_options *options, dg_error *err) {
  if (network->layer_count > 0)
    return dg_keras_compare(network, graph, model, ours, arrays->path, options, err);
  if (arrays->layout == DG_LAYOUT_KERAS) dg_keras_doubt(graph, options);
  return true;
}

static bool map_and_write(dg_arrays *arrays, const dg_keras_network *network, const char *output,
                          const format *to, const dg_model *model,
                          const dg_convert_options *options, dg_error *err) {
  dg_model_graph graph;
  dg_arrays ours = {.path = output};
  if (!dg_model_graph_make(&graph, model, err)) return false;
  ours.temperature = arrays->temperature;
  ours.classes = arrays->classes;
  arrays->classes = NULL;
  ours.columns = arrays->columns;
  arrays->columns = NULL;
  bool ok = dg_map_arrays(&graph, arrays, options, &ours, err) &&
            compare(arrays, network, &graph, model, &ours, options, err) &&
            to->write(output, model, &graph, &ours, err);
  dg_arrays_free(&ours);
  dg_model_graph_free(&graph);
  return ok;
}

/** Reads the settings in a file, if it has any, and what they say about its tensors. */
static bool read_settings(dg_arrays *arrays, dg_keras_network *network, dg_error *err) {
  dg_error told = {0};
  if (!arrays->settings) return true;
  if (dg_keras_network_read(network, arrays->settings, arrays->keras, arrays->path, &told))
    return dg_keras_place(network, arrays, err);
  if (told.kind && err) *err = told;
  if (!told.kind) dg_keras_network_free(network); /* settings of another kind: no layers */
  return !told.kind;
}

bool dg_weights_convert(const char *input, const char *output, const dg_model *model,
                        const dg_convert_options *given, dg_error *err) {
  dg_convert_options options;
  if (!dg_sized_take(&options, sizeof options, given, "dg_convert_options", err)) return false;
  dg_arrays arrays = {.path = input, .trusted = options.trust_hdf5, .key = options.key};
  const format *from = choose(input, options.from, true, err);
  const format *to = from ? choose(output, options.to, false, err) : NULL;
  dg_model *carried = NULL;
  dg_keras_network network = {0};
  bool ok = to && from->read(&arrays, err);
  if (ok && arrays.key && *arrays.key) ok = dg_arrays_choose(&arrays, arrays.key, err);
  ok = ok && read_settings(&arrays, &network, err);
  if (ok && has_keras_names(&arrays)) arrays.layout = DG_LAYOUT_KERAS;
  ok = ok && choose_layout(options.layout, &arrays.layout, err);
  if (ok && !model) model = carried = carried_model(&arrays, err);
  ok = ok && model && map_and_write(&arrays, &network, output, to, model, &options, err);
  dg_model_free(carried);
  dg_keras_network_free(&network);
  dg_arrays_free(&arrays);
  return ok;
}
