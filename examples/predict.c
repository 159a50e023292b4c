/**
 * Classifies digits with a trained network: `predict WEIGHTS [FOLDER]` takes weights from train.c
 * or digits-run, and classifies the first test images of a folder with MNIST's four files, or drawn
 * digits.
 */
#include <digits/digits.h>
#include <stdio.h>

enum { IMAGES = 20, SIZE = 28, CLASSES = 10 };

/** The most probable class. */
static int likeliest(const float logits[CLASSES]) {
  int best = 0;
  for (int c = 1; c < CLASSES; c++)
    if (logits[c] > logits[best]) best = c;
  return best;
}

int main(int argc, char **argv) {
  dg_error err = {0};
  float logits[IMAGES][CLASSES];
  const char *weights = argc > 1 ? argv[1] : "weights.safetensors";
  dg_model *model = dg_model_from_weights(weights, NULL, 0, &err);
  dg_device *device = model ? dg_open("cpu", NULL, 0, &err) : NULL;
  dg_predictor *network =
      device ? dg_predictor_new(model, device,
                                &(dg_predictor_options){.size = sizeof(dg_predictor_options),
                                                        .weights = weights,
                                                        .batch = IMAGES},
                                &err)
             : NULL;
  dg_dataset *data =
      argc > 2 ? dg_dataset_open(argv[2], 0, &err) : dg_dataset_draw(1, IMAGES, 7, 0, &err);
  dg_part_view test = data ? dg_dataset_part(data, DG_PART_TEST) : (dg_part_view){0};
  bool fits = network && test.count >= IMAGES && test.height == SIZE && test.width == SIZE &&
              dg_predictor_height(network) == SIZE && dg_predictor_outputs(network) == CLASSES;
  bool ok = fits && dg_predictor_run(network, test.images, IMAGES, logits[0], &err);
  for (int i = 0; ok && i < IMAGES; i++)
    printf("image %d is a %d, read as %d\n", i, test.labels[i], likeliest(logits[i]));
  if (!ok) fprintf(stderr, "predict: %s\n", *err.message ? err.message : "no digits of 28x28");
  dg_predictor_free(network);
  dg_dataset_close(data);
  dg_close(device);
  dg_model_free(model);
  return ok ? 0 : 1;
}
