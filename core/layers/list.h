/**
 * Every kind of layer, one line each, in the order in which --help layers shows them:
 * DG_LAYER(NAME) stands for the dg_layer_class dg_layer_NAME, which a file of one of the folders
 * below defines. Whoever includes this file says what DG_LAYER makes of a line; it is undefined
 * again at the end.
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
