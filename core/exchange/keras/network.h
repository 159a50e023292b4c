/**
 * The network that a file of Keras describes (config.json, or the attribute model_config): its
 * layers with their settings, and what each reads. Models within the model are taken apart into
 * their layers.
 */
#ifndef DG_KERAS_NETWORK_H
#define DG_KERAS_NETWORK_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

enum {
  DG_KERAS_LAYERS = 4096,
  DG_KERAS_INPUTS = 8,
  DG_KERAS_SETTINGS = 16,
  DG_KERAS_NONE = UINT32_MAX, /**< no layer, no op */
};

/** How the value of a setting is given. */
typedef enum {
  DG_KERAS_NUMBER,
  DG_KERAS_PAIR, /**< of height and width */
  DG_KERAS_WORD, /**< also "true" and "false" */
  DG_KERAS_SAME, /**< padding "same": follows from the size of the input; `value` is added to it */
  DG_KERAS_ELSE, /**< a value that no layer of ours can have */
} dg_keras_setting_kind;

/** A setting of a layer of Keras that changes answers. */
typedef struct {
  dg_keras_setting_kind kind;
  const char *theirs; /**< Keras's key */
  const char *key;    /**< ours; NULL: there is none */
  double value[2];
  const char *word;
  const json_t *json; /**< the value in the file; NULL: Keras's default */
} dg_keras_setting;

/** The order of what an op gives. */
typedef enum {
  DG_KERAS_ANY,        /**< not known yet */
  DG_KERAS_LAST,       /**< channels last */
  DG_KERAS_FIRST,      /**< channels first */
  DG_KERAS_FLAT,       /**< features; of an image [height, width, channels] */
  DG_KERAS_FLAT_FIRST, /**< features of an image [channels, height, width] */
} dg_keras_order;

/** One step of the network: a layer, or its activation. */
typedef struct {
  const char *type; /**< our type of layer; "": it passes on what it reads; NULL: we have none */
  const char *word; /**< what it is in Keras: a class, or the name of an activation */
  uint32_t layer;
  uint32_t inputs, in[DG_KERAS_INPUTS]; /**< ops */
  uint32_t setting_count;
  dg_keras_setting settings[DG_KERAS_SETTINGS];
  dg_keras_order order;
} dg_keras_op;

/** A layer. Its strings belong to the JSON unless a line says otherwise. */
typedef struct {
  const char *class_name, *name;
  const json_t *config;
  char *path;           /**< in .weights.h5: "layers/dense_1"; owned */
  char *label;          /**< with the names of the models that it is in: "encoder/dense"; owned */
  uint32_t model;       /**< the layer that is the model that it is in; DG_KERAS_NONE: the whole */
  bool is_model;        /**< other layers are in it */
  uint32_t first, last; /**< its ops: what reads its input, and what gives its output */
} dg_keras_layer;

/** The network; op 0 is its input. */
typedef struct {
  json_t *json;
  uint32_t version; /**< of Keras, 2 or 3; 0: unknown */
  uint32_t layer_count, op_count, output;
  dg_keras_layer *layers;
  dg_keras_op *ops;
} dg_keras_network;

/**
 * Reads the text of a configuration. False without an error: it describes no network of layers, as
 * that of a subclass of keras.Model. Free with dg_keras_network_free.
 */
bool dg_keras_network_read(dg_keras_network *network, const char *text, uint32_t version,
                           const char *path, dg_error *err);
void dg_keras_network_free(dg_keras_network *network);

/** layer.c: adds the ops of a layer that is no model, with their settings. */
bool dg_keras_add_layer_ops(dg_keras_network *network, uint32_t layer, uint32_t in, dg_error *err);

/**
 * layer.c: may the tensors of a class of Keras, as paths spell it ("group_normalization_1"), go to
 * a layer of ours of this type? Classes that are not Keras's may.
 */
bool dg_keras_class_fits(const char *word, size_t length, const char *type);

/** order.c: takes zero padding into the convolutions that read it, and finds the order of all. */
void dg_keras_settle(dg_keras_network *network);

#endif
