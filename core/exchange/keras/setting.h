/** Adds settings to an op of Keras's network. */
#ifndef DG_KERAS_SETTING_H
#define DG_KERAS_SETTING_H

#include "core/exchange/keras/network.h"

/** Adds a setting; one that is there already is not added again. */
void dg_keras_set(dg_keras_op *op, const dg_keras_setting *setting);

/** Adds a value that no layer of ours can have. */
void dg_keras_set_else(dg_keras_op *op, const char *theirs, const json_t *json);

/** Adds the number under the key `theirs`, or else `standard`. */
void dg_keras_set_number(dg_keras_op *op, const json_t *config, const char *theirs, const char *key,
                         double standard);

/** Adds the pair, list of one, or single number under the key `theirs`; nothing if there is none.
 */
void dg_keras_set_pair(dg_keras_op *op, const json_t *config, const char *theirs, const char *key);

/** Checks that the value under a key is absent, null, `only`, or a list of nothing else. */
void dg_keras_need(dg_keras_op *op, const json_t *config, const char *theirs, double only);
void dg_keras_need_word(dg_keras_op *op, const json_t *config, const char *theirs,
                        const char *only);

/** The text under a key; "" if there is none. */
const char *dg_keras_word(const json_t *config, const char *key);

/** The number of a value: numbers, true and false; else NAN. */
double dg_keras_number(const json_t *value);

#endif
