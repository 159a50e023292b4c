/** The lists of digits-run on standard output: devices, models, layers. */
#ifndef DG_LISTING_H
#define DG_LISTING_H

#include "digits/error.h"

/** All devices with the properties from their drivers. */
bool list_devices(dg_error *err);
/** The models that can be loaded by name: parameters and description. */
bool list_models(dg_error *err);
/** Every layer with its keys. */
bool help_layers(dg_error *err);

#endif
