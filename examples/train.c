/**
 * Trains a model, tests it and saves it: `train MODEL [WEIGHTS]` takes a model file, or the name of
 * one, and writes weights for predict.c, digits-run and others. If digits was installed with
 * another prefix than configured, set DIGITS_MODELS=PREFIX/share/digits/models to find models by
 * name.
 */
#include <digits/digits.h>
#include <stdio.h>

/** Prints the result of an epoch; the trainer calls it. */
static void on_epoch(void *user, const dg_epoch_report *report) {
  (void)user;
  printf("epoch %u: loss %.3f, accuracy %.1f %%\n", report->epoch, report->train.loss,
         100 * report->train.accuracy);
}

int main(int argc, char **argv) {
  /* Two epochs of 150 steps, whatever the model's recipe says. */
  const dg_override shorter[] = {{"train.c", "train.epochs", "2"},
                                 {"train.c", "train.steps", "150"}};
  dg_error err = {0};
  dg_score score = {0};
  dg_model *model = dg_model_load(argc > 1 ? argv[1] : "vanilla", shorter, 2, &err);
  dg_device *device = model ? dg_open("cpu", NULL, 0, &err) : NULL;
  dg_dataset *data = device ? dg_dataset_open("builtin", 0, &err) : NULL;
  dg_trainer_options how = {.size = sizeof(dg_trainer_options),
                            .seed = 1,
                            .listener =
                                &(dg_listener){.size = sizeof(dg_listener), .epoch = on_epoch}};
  dg_trainer *trainer = data ? dg_trainer_new(model, device, data, &how, &err) : NULL;
  bool ok =
      trainer && dg_trainer_train(trainer, &err) && dg_trainer_test(trainer, NULL, &score, &err);
  if (ok) printf("right on %u of %u test images\n", score.correct, score.total);
  ok = ok && (argc <= 2 || dg_trainer_save(trainer, argv[2], &err));
  if (!ok) fprintf(stderr, "train: %s\n", err.message);
  dg_trainer_free(trainer);
  dg_dataset_close(data);
  dg_close(device);
  dg_model_free(model);
  return ok ? 0 : 1;
}
