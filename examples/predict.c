/**
 * Lets a trained network read digits: `predict WEIGHTS [FOLDER]` takes what train.c or digits-run
 * saved, and reads the first test images of a folder with MNIST's four files, or digits it draws.
 */
#include <digits/digits.h>
#include <stdio.h>

enum { IMAGES = 20, CLASSES = 10 };

/** The class that the network holds for the likeliest. */
static int likeliest(const float logits[CLASSES]) {
  int best = 0;
  for (int c = 1; c < CLASSES; c++)
    if (logits[c] > logits[best]) best = c;
  return best;
}

int main(int argc, char **argv) {
  dg_error err = {0};
  uint32_t first[IMAGES];
  float logits[IMAGES][CLASSES];
  for (uint32_t i = 0; i < IMAGES; i++) first[i] = i;
  const char *weights = argc > 1 ? argv[1] : "weights.safetensors";
  dg_model *model = dg_model_of_weights(weights, NULL, 0, &err);
  dg_device *device = model ? dg_open("cpu", NULL, 0, &err) : NULL;
  dg_dataset *set = !device    ? NULL
                    : argc > 2 ? dg_data_open(argv[2], 0, &err)
                               : dg_data_draw(1, IMAGES, 7, 0, &err);
  dg_dataset *data = set ? dg_data_pick(set, first, IMAGES, &err) : NULL;
  dg_trainer_options how = {.test_only = true};
  dg_trainer *network = data ? dg_trainer_new(model, device, data, &how, &err) : NULL;
  bool right = network && dg_load(network, weights, &err);
  if (right && dg_trainer_outputs(network) != CLASSES)
    right = dg_fail(&err, DG_ERR_INPUT, "%s has other classes than the ten digits", weights);
  right = right && dg_predict(network, NULL, logits[0], &err);
  for (int i = 0; right && i < IMAGES; i++)
    printf("image %d is a %d, read as %d\n", i, dg_data_part(data, DG_PART_TEST).labels[i],
           likeliest(logits[i]));
  if (!right) fprintf(stderr, "predict: %s\n", err.message);
  dg_trainer_free(network);
  dg_data_close(data);
  dg_data_close(set);
  dg_close(device);
  dg_model_free(model);
  return right ? 0 : 1;
}
