/**
 * Converts weights from and to other programs' files: `convert INPUT OUTPUT [MODEL]` converts
 * PyTorch's .pth, Keras's .h5, numpy's .npz or .safetensors to .safetensors, .npz or .onnx. MODEL
 * is a model file, or the name of one; without it, the model in INPUT is used. Also links the
 * library digits-exchange.
 */
#include <digits/digits.h>
#include <stdio.h>

/** Prints how a tensor was mapped; dg_weights_convert calls it. */
static void on_mapped(void *user, const char *theirs, const char *ours, const char *how) {
  (void)user;
  printf("%s <- %s (%s)\n", ours ? ours : "nothing", theirs ? theirs : "nothing", how);
}

int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "usage: convert INPUT OUTPUT [MODEL]\n"), 2;
  dg_error err = {0};
  dg_model *model = argc > 3 ? dg_model_load(argv[3], NULL, 0, &err) : NULL;
  const dg_convert_options how = {.size = sizeof(dg_convert_options), .mapped = on_mapped};
  bool ok = (argc == 3 || model) && dg_weights_convert(argv[1], argv[2], model, &how, &err);
  if (!ok) fprintf(stderr, "convert: %s\n", err.message);
  dg_model_free(model);
  return ok ? 0 : 1;
}
