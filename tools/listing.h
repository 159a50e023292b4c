/** What digits-run lists on standard output: devices, models, layers. */
#ifndef DG_LISTING_H
#define DG_LISTING_H

#include "core/digits.h"

bool list_devices(dg_error *err);
bool list_models(dg_error *err);
bool help_layers(dg_error *err);

#endif
