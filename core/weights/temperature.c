#include "core/weights/temperature.h"

#include <string.h>

#include "core/base/json.h"
#include "digits/calibration.h"

enum { DIGITS = 17 }; /* read back as the same double */

char *dg_temperature_text(double temperature, dg_error *err) {
  json_t *number = json_real(temperature);
  char *text = number ? json_dumps(number, JSON_ENCODE_ANY | JSON_REAL_PRECISION(DIGITS)) : NULL;
  json_decref(number);
  if (!text) dg_fail_memory(err, sizeof(json_t));
  return text;
}

bool dg_temperature_read(const dg_safetensors *file, const char *path, double *temperature,
                         dg_error *err) {
  const char *text = dg_safetensors_text(file, DG_TEMPERATURE_KEY);
  *temperature = 0;
  if (!text) return true;
  bool starved;
  json_t *number = dg_json_read(text, strlen(text), JSON_DECODE_ANY, NULL, &starved);
  double value = json_number_value(number); /* 0 if it is none */
  json_decref(number);
  if (starved) return dg_fail_memory(err, strlen(text));
  if (!(value >= DG_TEMPERATURE_LEAST && value <= DG_TEMPERATURE_MOST))
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: its " DG_TEMPERATURE_KEY " is \"%.40s\", not a number from %g to %g", path,
                   text, DG_TEMPERATURE_LEAST, DG_TEMPERATURE_MOST);
  *temperature = value;
  return true;
}
