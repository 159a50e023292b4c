/* Recurrent layers: their implementations. */
#include "backends/opencl/recurrent/recurrent_tiles.h"

const dg_cl_family dg_cl_recurrent = {.forward = {&dg_cl_recurrent_tiles_forward},
                                      .backward = {&dg_cl_recurrent_tiles_backward}};
