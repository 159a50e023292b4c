/** Finds the digits of a picture with a network's help: it says where digits that touch are cut. */
#include <stdlib.h>

#include "core/base/error.h"
#include "core/base/numbers.h"
#include "core/picture/find.h"
#include "digits/predict.h"

/** The probabilities of the likeliest classes. */
static bool say_how_sure(void *user, const uint8_t *images, uint32_t count, float *sure,
                         dg_error *err) {
  dg_predictor *predictor = user;
  uint32_t classes = dg_predictor_outputs(predictor);
  size_t size = (size_t)count * classes * sizeof(float);
  float *p = malloc(size);
  bool ok = p ? dg_predictor_run(predictor, images, count, p, err) : dg_fail_memory(err, size);
  if (ok) dg_predictor_probabilities(predictor, p, count, p);
  for (uint32_t i = 0; ok && i < count; i++) {
    const float *of_image = p + (size_t)i * classes;
    sure[i] = of_image[dg_argmax(of_image, classes)];
  }
  free(p);
  return ok;
}

bool dg_predictor_find(dg_predictor *predictor, const dg_picture *picture, const char *name,
                       dg_digits *digits, dg_error *err) {
  dg_judge judge = {predictor, say_how_sure};
  return dg_predictor_check_pictures(predictor, err) &&
         dg_digits_find_judged(picture, name, dg_predictor_height(predictor),
                               dg_predictor_width(predictor), &judge, digits, err);
}

bool dg_predictor_read(dg_predictor *predictor, const dg_digits *digits, float *probabilities,
                       dg_error *err) {
  uint32_t classes = dg_predictor_outputs(predictor);
  if (!dg_predictor_run(predictor, digits->images, digits->count, probabilities, err)) return false;
  dg_predictor_probabilities(predictor, probabilities, digits->count, probabilities);
  for (uint32_t i = 0; digits->certainty && i < digits->count; i++) {
    float certainty = digits->certainty[i];
    if (certainty >= 1) continue;
    for (float *p = probabilities + (size_t)i * classes, *end = p + classes; p < end; p++)
      *p = certainty * *p + (1 - certainty) / (float)classes;
  }
  return true;
}
