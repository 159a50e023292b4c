/** The trained networks of digits-serve, on one device. */
#ifndef DG_SERVE_NETWORKS_H
#define DG_SERVE_NETWORKS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "digits/data.h"
#include "digits/device.h"
#include "digits/model.h"
#include "digits/predict.h"

typedef struct {
  char name[256]; /**< of its weight file, without .safetensors */
  dg_model *model;
  dg_predictor *predictor;
  dg_classes names; /**< that the weights carry */
  bool pictures;    /**< it classifies pictures of one channel */
} network;

typedef struct {
  dg_device *device;
  pthread_mutex_t lock;   /**< held while a thread makes an answer */
  double min_probability; /**< less probable answers are unsure; 0: none is */
  uint32_t count;
  network *all; /**< [count] */
} networks;

enum {
  NETWORKS_BATCH = 16 /**< most digits that a network runs at once */
};

/** Prepares `n` with a device, which then belongs to `n`; networks are added later. */
void networks_open(networks *n, dg_device *device, double min_probability);

/** Adds the network of a weight file, given by path or by a name for dg_weights_find. */
bool networks_add(networks *n, const char *weights, dg_error *err);

void networks_close(networks *n);

#endif
