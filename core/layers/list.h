/**
 * Every kind of layer, one line each, in the order of --help layers (an X-macro). DG_LAYER(NAME)
 * stands for the dg_layer_class dg_layer_NAME, which a file in one of the folders below defines.
 * Define DG_LAYER before including this file; it is undefined at the end.
 */
DG_LAYER(linear)
DG_LAYER(conv2d)
DG_LAYER(conv1d)
DG_LAYER(maxpool2d)
DG_LAYER(avgpool2d)
DG_LAYER(maxpool1d)
DG_LAYER(global_avgpool)
DG_LAYER(upsample2d)
DG_LAYER(relu)
DG_LAYER(leaky_relu)
DG_LAYER(sigmoid)
DG_LAYER(tanh)
DG_LAYER(batch_norm)
DG_LAYER(layer_norm)
DG_LAYER(dropout)
DG_LAYER(flatten)
DG_LAYER(rows)
DG_LAYER(columns)
DG_LAYER(add)
DG_LAYER(concat)
DG_LAYER(gru)
DG_LAYER(lstm)
DG_LAYER(rnn)

#undef DG_LAYER
