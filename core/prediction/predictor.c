/** A trained network with a gather op before it. */
#include <pthread.h>
#include <stdlib.h>

#include "core/base/sized.h"
#include "core/exec/gather.h"
#include "core/exec/network.h"
#include "core/weights/weights.h"
#include "digits/calibration.h"
#include "digits/predict.h"

enum { INITIAL_SEED = 1 };

struct dg_predictor {
  const dg_model *model;
  dg_device *device;
  uint32_t batch, height, width;
  double temperature; /**< of the weights; 0: none */
  dg_network *network;
  dg_source source; /**< a batch of images, overwritten by every run */
  dg_gather gather;
};

static const dg_device_calls *calls_of(const dg_predictor *p) {
  return p->device->calls;
}

/** Height and width of the images that a model takes. */
static bool image_size(const dg_model *model, uint32_t *height, uint32_t *width, dg_error *err) {
  const dg_shape *in = &model->input;
  char text[64];
  if (in->rank == 3 && in->dim[0] == 1) {
    *height = in->dim[1];
    *width = in->dim[2];
    return true;
  }
  return dg_fail(err, DG_ERR_INPUT, "%s: the input is %s; images need [1, HEIGHT, WIDTH]",
                 model->path, dg_shape_text(in, text, sizeof text));
}

/** Connects the caller's images to the network's input. */
static bool open_gather(dg_predictor *p, dg_error *err) {
  const dg_sample_kind kind = dg_gray_kind(p->height, p->width);
  const dg_gather_desc desc = dg_gather_describe(p->model, &kind);
  const dg_gather_options options = {.max_n = p->batch, .x = dg_network_input(p->network)};
  const dg_source_plan plan = {.samples = p->batch, .order = p->batch};
  if (!dg_source_open(&p->source, p->device, &kind, &plan, err) ||
      !dg_source_in_turn(&p->source, err) ||
      !dg_gather_open(&p->gather, p->device, &desc, &options, err))
    return false;
  dg_gather_from(&p->gather, &p->source);
  return true;
}

static bool check_options(const dg_predictor_options *options, const dg_model *model,
                          const dg_device *device, dg_error *err) {
  const dg_predictor *share = options->share;
  if (!share) return true;
  if (options->weights)
    return dg_fail(err, DG_ERR_INPUT, "a predictor has weights or shares them, not both");
  return (share->model == model && share->device == device) ||
         dg_fail(err, DG_ERR_INPUT,
                 "a predictor shares weights with one of the same model and device only");
}

static bool set_up(dg_predictor *p, const dg_predictor_options *options, dg_error *err) {
  const dg_network_for_test how = {.max_n = p->batch,
                                   .owner = options->share ? options->share->network : NULL,
                                   .layer = options->layer};
  if (!image_size(p->model, &p->height, &p->width, err)) return false;
  p->network = dg_network_build_for_test(p->model, p->device, &how, err);
  if (!p->network || !open_gather(p, err)) return false;
  if (options->share) return p->temperature = options->share->temperature, true;
  return options->weights ? dg_weights_load(p->network, options->weights, &p->temperature, err)
                          : dg_network_initialize(p->network, INITIAL_SEED, err);
}

dg_predictor *dg_predictor_new(const dg_model *model, dg_device *device,
                               const dg_predictor_options *given, dg_error *err) {
  dg_predictor_options options;
  if (!dg_sized_take(&options, sizeof options, given, "dg_predictor_options", err) ||
      !check_options(&options, model, device, err))
    return NULL;
  dg_predictor *p = calloc(1, sizeof *p);
  if (!p) return dg_fail_memory(err, sizeof *p), NULL;
  p->model = model;
  p->device = device;
  p->batch = options.batch ? options.batch : 1;
  if (set_up(p, &options, err)) return p;
  dg_predictor_free(p);
  return NULL;
}

void dg_predictor_free(dg_predictor *p) {
  if (!p) return;
  calls_of(p)->finish(p->device, NULL);
  dg_gather_close(&p->gather);
  dg_source_close(&p->source);
  dg_network_free(p->network);
  free(p);
}

uint32_t dg_predictor_height(const dg_predictor *p) {
  return p->height;
}

uint32_t dg_predictor_width(const dg_predictor *p) {
  return p->width;
}

uint32_t dg_predictor_outputs(const dg_predictor *p) {
  return dg_network_outputs(p->network);
}

/* ---- running ------------------------------------------------------------ */

/** Runs at most one batch of images. */
static bool run_batch(dg_predictor *p, const uint8_t *images, uint32_t n, float *logits,
                      dg_error *err) {
  const dg_step step = {.n = n};
  return dg_source_put(&p->source, images, NULL, n, err) && dg_gather_run(&p->gather, &step, err) &&
         dg_network_forward(p->network, &step, err) &&
         calls_of(p)->read(dg_network_output(p->network), 0, logits,
                           (size_t)n * dg_network_outputs(p->network) * sizeof *logits, err);
}

static bool run_batches(dg_predictor *p, const uint8_t *images, uint32_t count, float *logits,
                        dg_error *err) {
  size_t pixels = (size_t)p->height * p->width, outputs = dg_network_outputs(p->network);
  for (uint32_t first = 0; first < count; first += p->batch) {
    uint32_t n = count - first < p->batch ? count - first : p->batch;
    if (!run_batch(p, images + first * pixels, n, logits + first * outputs, err)) return false;
    if (n < p->batch) break; /* the sum could overflow 32 bits */
  }
  return true;
}

bool dg_predictor_run(dg_predictor *p, const uint8_t *images, uint32_t count, float *logits,
                      dg_error *err) {
  pthread_mutex_lock(&p->device->turn);
  bool done = run_batches(p, images, count, logits, err);
  pthread_mutex_unlock(&p->device->turn);
  return done && dg_network_check_logits(p->network, logits, count, err);
}

/* ---- probabilities ------------------------------------------------------ */

double dg_predictor_temperature(const dg_predictor *p) {
  return p->temperature;
}

void dg_predictor_probabilities(const dg_predictor *p, const float *logits, uint32_t count,
                                float *probabilities) {
  dg_probabilities(p->model, p->temperature, logits, count, dg_network_outputs(p->network),
                   probabilities);
}
