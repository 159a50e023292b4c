/** The whole network as an ONNX file, by protobuf-c. */
#include <stdlib.h>
#include <string.h>

#include "core/base/file/file.h"
#include "core/exchange/files.h"
#include "core/exchange/onnx/onnx_ops.h"
#include "core/weights/weights.h"
#include "digits/version.h"

/** "image", bytes / 255, as (image - mean) / std. */
static dg_onnx_value normalize(dg_onnx_graph *g, const dg_model *model, dg_onnx_value image) {
  const struct {
    const char *name, *op;
    float by, without;
  } steps[] = {{"mean", "Sub", (float)dg_number_of(&model->data.mean, 0, 0), 0},
               {"std", "Div", (float)dg_number_of(&model->data.std, 0, 1), 1}};
  for (int i = 0; i < 2; i++) {
    float *number = dg_onnx_memory(g, 1, sizeof *number);
    if (!number || steps[i].by == steps[i].without) continue;
    *number = steps[i].by;
    const char *inputs[] = {image.name, dg_onnx_floats(g, steps[i].name, 0, NULL, number)};
    image.name = dg_onnx_output(dg_onnx_node(g, steps[i].op, 2, inputs, 1), 0);
  }
  return image;
}

/** Adds all ops; `values` has an element for every tensor of the model graph. */
static bool add_nodes(dg_onnx_graph *g, const dg_model *model, const dg_model_graph *model_graph,
                      const dg_arrays *arrays, dg_onnx_value *values, dg_error *err) {
  values[0] = normalize(g, model, values[0]);
  for (uint32_t i = 0; i < model_graph->node_count; i++) {
    const dg_model_node *node = &model_graph->nodes[i];
    dg_onnx_value in[DG_MAX_IN];
    for (uint32_t k = 0; k < node->inputs; k++) in[k] = values[node->in[k]];
    dg_onnx_op op = {g, model_graph, node, arrays, in};
    if (!dg_onnx_add(&op, &values[node->out], err)) return false;
  }
  return true;
}

/** Names the last value "logits", with one row per sample. */
static dg_onnx_value add_output(dg_onnx_graph *g, dg_onnx_value last, uint32_t outputs) {
  last = dg_onnx_reshape(g, last, 1, &outputs);
  Dg__Onnx__Node *node = dg_onnx_node(g, "Identity", 1, &last.name, 1);
  if (node) last.name = node->output[0] = dg_onnx_text(g, "logits");
  return last;
}

/** Builds the graph with its input and output. */
static bool build(dg_onnx_graph *g, const dg_model *model, const dg_model_graph *model_graph,
                  const dg_arrays *arrays, dg_error *err) {
  dg_onnx_value *values = calloc(model_graph->tensor_count, sizeof *values);
  if (!values) return dg_fail_memory(err, model_graph->tensor_count * sizeof *values);
  dg_onnx_value image = {.name = "image", .rank = model->input.rank};
  memcpy(image.dim, model->input.dim, image.rank * sizeof *image.dim);
  values[0] = image;
  bool ok = add_nodes(g, model, model_graph, arrays, values, err);
  if (ok) {
    uint32_t outputs = 1;
    const dg_onnx_value *last = &values[model_graph->output];
    for (uint32_t i = 0; i < last->rank; i++) outputs *= last->dim[i];
    dg_onnx_value logits = add_output(g, *last, outputs);
    g->graph.name = dg_onnx_text(g, "%s", model->name);
    g->graph.input = dg_onnx_memory(g, 1, sizeof *g->graph.input);
    g->graph.output = dg_onnx_memory(g, 1, sizeof *g->graph.output);
    if (g->graph.output) {
      g->graph.n_input = g->graph.n_output = 1;
      g->graph.input[0] = dg_onnx_end(g, &image);
      g->graph.output[0] = dg_onnx_end(g, &logits);
    }
    ok = !g->failed || dg_fail_memory(err, sizeof *g);
  }
  free(values);
  return ok;
}

/* ---- the file ----------------------------------------------------------- */

/** Packs into our own memory: protobuf-c's buffers silently drop data if memory runs out. */
static bool write_model(const char *path, const Dg__Onnx__Model *model, dg_error *err) {
  dg_new_file file;
  size_t size = dg__onnx__model__get_packed_size(model);
  uint8_t *bytes = malloc(size);
  if (!bytes) return dg_fail_memory(err, size);
  bool ok = dg__onnx__model__pack(model, bytes) == size;
  if (!ok) dg_fail(err, DG_ERR_RUNTIME, "%s could not be written: protobuf-c failed", path);
  ok = ok && dg_file_begin(&file, path, err);
  if (ok) {
    dg_file_write(&file, bytes, size);
    ok = dg_file_commit(&file, err);
  }
  free(bytes);
  return ok;
}

/** Is all that the recipe does to samples and targets a single mean and deviation of the input? */
static bool check_scales(const dg_model *model, const char *path, dg_error *err) {
  const dg_data_recipe *data = &model->data;
  const bool listed = data->mean.count > 1 || data->std.count > 1;
  const bool measured = data->mean.word || data->std.word;
  const bool targets = data->targets || data->target_mean.word || data->target_std.word ||
                       data->target_mean.count || data->target_std.count ||
                       (model->target == DG_TARGET_INPUT && (data->mean.count || data->std.count));
  return (!listed && !measured && !targets) ||
         dg_fail(err, DG_ERR_INPUT,
                 "%s: %s can't be written to ONNX: it would give other numbers; safetensors and "
                 ".npz keep it",
                 path,
                 listed     ? "a mean or std for each channel"
                 : measured ? "a mean or std that is still to be measured"
                            : "outputs that are scaled back");
}

bool dg_write_onnx(const char *path, const dg_model *model, const dg_model_graph *model_graph,
                   const dg_arrays *arrays, dg_error *err) {
  Dg__Onnx__OperatorSet set = DG__ONNX__OPERATOR_SET__INIT, *sets[] = {&set};
  Dg__Onnx__Entry entry = DG__ONNX__ENTRY__INIT, *entries[] = {&entry};
  Dg__Onnx__Model file = DG__ONNX__MODEL__INIT;
  dg_onnx_graph graph;
  if (model->lengths)
    return dg_fail(
        err, DG_ERR_INPUT,
        "%s: a network with lengths = true can't be written to ONNX: it would take whole "
        "sequences alone; safetensors and .npz keep it",
        path);
  if (!check_scales(model, path, err)) return false;
  dg_onnx_begin(&graph);
  set.version = DG_ONNX_OPSET;
  entry.key = (char *)DG_MODEL_KEY; /* protobuf-c only reads it */
  entry.value = model->text;
  file.ir_version = DG_ONNX_IR;
  file.producer_name = (char *)"digits";
  file.producer_version = (char *)dg_version();
  file.graph = &graph.graph;
  file.n_opset_import = file.n_metadata_props = 1;
  file.opset_import = sets;
  file.metadata_props = entries;
  bool ok = build(&graph, model, model_graph, arrays, err) && write_model(path, &file, err);
  dg_onnx_free(&graph);
  return ok;
}
