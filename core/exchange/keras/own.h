/** Values of our layers' keys, and the values that settings of Keras ask for. */
#ifndef DG_KERAS_OWN_H
#define DG_KERAS_OWN_H

#include "core/exchange/keras/network.h"
#include "core/graph/model_graph.h"

/** A value, as a model file writes it: numbers, or a word. */
typedef struct {
  bool pair;
  double value[2];
  const char *word; /**< NULL: numbers */
} dg_own_value;

/** Reads a key of a node's layer; false: the layer has no such key. */
bool dg_own_read(const dg_model_node *node, const char *key, dg_own_value *value);

/** The value that a setting of Keras asks for here; false: no value of ours does that. */
bool dg_own_expect(const dg_model_node *node, const dg_keras_setting *setting, dg_own_value *value);

bool dg_own_same(const dg_own_value *a, const dg_own_value *b);

/** The text of a value, as a model file writes it. Returns `text`. */
char *dg_own_text(const dg_own_value *value, char *text, size_t size);

#endif
