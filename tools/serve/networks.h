/** The trained networks that digits-serve asks, on one device. */
#ifndef DG_SERVE_NETWORKS_H
#define DG_SERVE_NETWORKS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "digits/device.h"
#include "digits/model.h"
#include "digits/predict.h"

typedef struct {
  char name[256]; /**< of its weight file, without .safetensors */
  dg_model *model;
  dg_predictor *predictor;
} network;

typedef struct {
  dg_device *device;
  pthread_mutex_t lock; /**< held by the thread that makes an answer */
  uint32_t count;
  network *all; /**< [count] */
} networks;

enum {
  NETWORKS_BATCH = 16 /**< digits that a network reads at once */
};

/** Prepares `n`, to which networks are added, on a device; it belongs to `n` from then on. */
void networks_open(networks *n, dg_device *device);

/** Reads the network of a weight file, or of a name that dg_weights_find knows. */
bool networks_add(networks *n, const char *weights, dg_error *err);

void networks_close(networks *n);

#endif
