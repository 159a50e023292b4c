/**
 * C++: trains on samples in memory, one step at a time, and shows activations: `online MODEL
 * WEIGHTS` takes a model file, or the name of one, prints the loss now and then and saves the
 * weights. Then a predictor classifies digits, and another one, which shares the weights, outputs
 * the activations of the first layer with parameters.
 */
#include <digits/digits.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

namespace {

constexpr uint32_t kSteps = 300, kBatch = 100, kImages = 20;

template <typename T> using owned = std::unique_ptr<T, void (*)(T *)>;

/** A dg_error that throws. */
struct error : dg_error {
  error() : dg_error{} {}
  void check(bool done) const {
    if (!done) throw std::runtime_error(message);
  }
};

/** The first layer with parameters. */
const char *first_layer(const dg_model *model) {
  error err;
  size_t count = 0;
  err.check(dg_model_layers(model, nullptr, sizeof(dg_layer_info), 0, &count, &err));
  std::vector<dg_layer_info> layers(count);
  err.check(dg_model_layers(model, layers.data(), sizeof(dg_layer_info), count, &count, &err));
  for (const auto &layer : layers)
    if (layer.parameters > 0) return layer.name;
  return layers.back().name;
}

/** The samples of one step. A real program would get them from a camera, for example. */
dg_batch batch_of(const dg_part_view &part, uint32_t step) {
  const size_t first = step * kBatch % (part.count - kBatch);
  dg_batch batch = {};
  batch.size = sizeof batch;
  batch.count = kBatch;
  batch.images = part.images + first * part.height * part.width;
  batch.labels = part.labels + first;
  return batch;
}

void train(dg_trainer *trainer, const dg_part_view &part) {
  error err;
  for (uint32_t step = 0; step < kSteps; step++) {
    double loss = 0;
    const dg_batch batch = batch_of(part, step);
    err.check(dg_trainer_step(trainer, &batch, &loss, &err));
    if (step % 100 == 0) std::printf("step %u: loss %.3f\n", step, loss);
  }
}

/** The outputs of a predictor for the first images of a part. */
std::vector<float> run(dg_predictor *predictor, const dg_part_view &part) {
  error err;
  std::vector<float> outputs(size_t{kImages} * dg_predictor_outputs(predictor));
  err.check(dg_predictor_run(predictor, part.images, kImages, outputs.data(), &err));
  return outputs;
}

owned<dg_predictor> predictor_of(const dg_model *model, dg_device *device,
                                 dg_predictor_options options) {
  error err;
  options.size = sizeof options;
  options.batch = kImages;
  owned<dg_predictor> made(dg_predictor_new(model, device, &options, &err), dg_predictor_free);
  err.check(made != nullptr);
  return made;
}

void tell(const std::vector<float> &logits, uint32_t classes, const dg_part_view &part) {
  for (uint32_t i = 0; i < kImages; i++) {
    uint32_t best = 0;
    for (uint32_t c = 1; c < classes; c++)
      if (logits[i * classes + c] > logits[i * classes + best]) best = c;
    std::printf("image %u is a %d, read as %u\n", i, part.labels[i], best);
  }
}

void work(const char *name, const char *weights) {
  error err;
  const dg_override batch = {"online.cpp", "train.batch", "100"};
  owned<dg_model> model(dg_model_load(name, &batch, 1, &err), dg_model_free);
  err.check(model != nullptr);
  owned<dg_device> device(dg_open("cpu", nullptr, 0, &err), dg_close);
  err.check(device != nullptr);
  owned<dg_dataset> data(dg_dataset_draw(20000, kImages, 7, 0, &err), dg_dataset_close);
  err.check(data != nullptr);
  owned<dg_trainer> trainer(dg_trainer_new(model.get(), device.get(), data.get(), nullptr, &err),
                            dg_trainer_free);
  err.check(trainer != nullptr);
  train(trainer.get(), dg_dataset_part(data.get(), DG_PART_TRAIN));
  err.check(dg_trainer_save(trainer.get(), weights, &err));

  const dg_part_view test = dg_dataset_part(data.get(), DG_PART_TEST);
  dg_predictor_options options = {};
  options.weights = weights;
  const auto reader = predictor_of(model.get(), device.get(), options);
  tell(run(reader.get(), test), dg_predictor_outputs(reader.get()), test);

  options = {};
  options.share = reader.get();
  options.layer = first_layer(model.get());
  const auto inside = predictor_of(model.get(), device.get(), options);
  size_t active = 0;
  const auto activations = run(inside.get(), test);
  for (float a : activations) active += a > 0;
  std::printf("layer %s: %zu of %zu activations are above 0\n", options.layer, active,
              activations.size());
}

} // namespace

int main(int argc, char **argv) {
  try {
    work(argc > 1 ? argv[1] : "vanilla", argc > 2 ? argv[2] : "weights.safetensors");
  } catch (const std::exception &wrong) {
    std::fprintf(stderr, "online: %s\n", wrong.what());
    return 1;
  }
  return 0;
}
