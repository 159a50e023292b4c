/** What digits-run lists on standard output: devices, models, layers. */
#ifndef DG_LISTING_H
#define DG_LISTING_H

#include "digits/error.h"

/** All devices, each with what its driver says of it. */
bool list_devices(dg_error *err);
/** The models that are found by name: parameters and description. */
bool list_models(dg_error *err);
/** Every layer with its keys. */
bool help_layers(dg_error *err);

#endif
