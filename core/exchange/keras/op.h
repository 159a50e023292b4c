/** Ops of Keras's network, and their settings. */
#ifndef DG_KERAS_OP_H
#define DG_KERAS_OP_H

#include "core/exchange/keras/network.h"

/** Adds an op of a layer, which reads `in` (DG_KERAS_NONE: not known yet); NULL: out of memory. */
dg_keras_op *dg_keras_add_op(dg_keras_network *network, uint32_t layer, const char *word,
                             uint32_t in, dg_error *err);

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

/** Is an op of this type of layer of ours? */
bool dg_keras_is(const dg_keras_op *op, const char *type);
bool dg_keras_is_recurrent(const dg_keras_op *op);

/** The text under a key; "" if there is none. */
const char *dg_keras_word(const json_t *config, const char *key);

/** The number of a value: numbers, true and false; else NAN. */
double dg_keras_number(const json_t *value);

#endif
