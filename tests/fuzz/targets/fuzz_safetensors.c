/* The reader of weight files, and of the model that they carry. */
#include <stdlib.h>
#include <string.h>

#include "core/weights/safetensors.h"
#include "core/weights/temperature.h"
#include "digits/calibration.h"
#include "digits/model.h"
#include "tests/fuzz/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/** A temperature is none, in its range, or refused. */
static void check_temperature(const dg_safetensors *file, const char *path) {
  double temperature;
  dg_error err = {0};
  bool ok = dg_temperature_read(file, path, &temperature, &err);
  bool sound = temperature >= DG_TEMPERATURE_LEAST && temperature <= DG_TEMPERATURE_MOST;
  if (ok ? temperature != 0 && !sound : err.kind != DG_ERR_INPUT) abort();
}

/** Touches all that the file holds, and looks each tensor up by its name. */
static void touch(const dg_safetensors *file) {
  for (size_t t = 0; t < file->tensor_count; t++) {
    const dg_stored_tensor *tensor = &file->tensors[t];
    if (dg_safetensors_find(file, tensor->name) != tensor) abort();
    fuzz_touch(tensor->data, tensor->bytes);
  }
  for (size_t i = 0; i < file->text_count; i++)
    fuzz_touch(file->texts[i].value, strlen(file->texts[i].value) + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  const char *path = fuzz_file(bytes, size);
  dg_safetensors file;
  dg_error err = {0};
  bool ok = dg_safetensors_read(&file, path, &err);
  if (ok != (err.kind == DG_OK)) abort();
  if (ok) touch(&file);
  if (ok) check_temperature(&file, path);
  dg_safetensors_free(&file);
  dg_model_free(dg_model_from_weights(path, NULL, 0, &err));
  return 0;
}
