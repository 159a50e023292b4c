/** The temperature (digits/calibration.h) that a weight file carries in its metadata. */
#ifndef DG_TEMPERATURE_H
#define DG_TEMPERATURE_H

#include "core/weights/safetensors.h"

/** Metadata key of the temperature, a decimal number. */
#define DG_TEMPERATURE_KEY "digits.temperature"

/** The text of a temperature, which reads back as the same number, in new memory; NULL: out of
    memory. It does not depend on the locale. */
char *dg_temperature_text(double temperature, dg_error *err);

/** Reads the temperature of a file; 0 if it carries none. What is no number in its range is an
    error that names `path`. */
bool dg_temperature_read(const dg_safetensors *file, const char *path, double *temperature,
                         dg_error *err);

#endif
