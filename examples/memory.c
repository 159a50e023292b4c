/**
 * Learns from arrays in memory: small pictures with a bright line, which lies or stands. `memory
 * MODEL` takes the path of vanilla.cfg, or finds it by name.
 */
#include <digits/digits.h>
#include <stdio.h>

enum { PICTURES = 2000, SIDE = 8 };

/** A random number below `end`. */
static uint8_t draw(unsigned end) {
  static uint32_t state = 1;
  state = state * 1664525u + 1013904223u; /* Numerical Recipes' generator */
  return (uint8_t)((state >> 24) * end >> 8);
}

/** Draws pictures of noise with a line, and their classes: 0 lies, 1 stands. */
static void make_pictures(uint8_t pictures[][SIDE][SIDE], uint8_t *classes) {
  for (int i = 0; i < PICTURES; i++) {
    const uint8_t place = draw(SIDE);
    classes[i] = draw(2);
    for (int y = 0; y < SIDE; y++)
      for (int x = 0; x < SIDE; x++)
        pictures[i][y][x] = (uint8_t)(draw(128) + ((classes[i] ? x : y) == place ? 127 : 0));
  }
}

int main(int argc, char **argv) {
  static uint8_t pictures[PICTURES][SIDE][SIDE], classes[PICTURES];
  /* The network of vanilla.cfg, with another input and output. */
  const dg_override changes[] = {{"memory.c", "input", "[1, 8, 8]"},
                                 {"memory.c", "out.units", "2"},
                                 {"memory.c", "data.validation", "0"}};
  make_pictures(pictures, classes);
  const dg_sample_arrays samples = {.size = sizeof samples,
                                    .inputs = {.rank = 4,
                                               .dim = {PICTURES, 1, SIDE, SIDE},
                                               .type = DG_NUMBERS_BYTES,
                                               .numbers = pictures},
                                    .labels = classes};
  dg_error err = {0};
  dg_score score = {0};
  dg_dataset *data = dg_dataset_from_arrays(&samples, NULL, true, &err);
  dg_model *model = data ? dg_model_load(argc > 1 ? argv[1] : "vanilla", changes, 3, &err) : NULL;
  dg_device *device = model ? dg_open("cpu", NULL, 0, &err) : NULL;
  const dg_trainer_options how = {.size = sizeof how, .seed = 1};
  dg_trainer *trainer = device ? dg_trainer_new(model, device, data, &how, &err) : NULL;
  const bool ok =
      trainer && dg_trainer_train(trainer, &err) && dg_trainer_test(trainer, NULL, &score, &err);
  if (ok)
    printf("right on %u of %u pictures, %s of all\n", score.correct, score.total,
           dg_dataset_held_out(data));
  else
    fprintf(stderr, "memory: %s\n", err.message);
  dg_trainer_free(trainer);
  dg_close(device);
  dg_model_free(model);
  dg_dataset_close(data);
  return ok ? 0 : 1;
}
