/** Samples that programs send to digits-serve as JSON. */
#ifndef DG_SERVE_ARRAYS_H
#define DG_SERVE_ARRAYS_H

#include <jansson.h>
#include <stddef.h>

#include "digits/error.h"
#include "digits/ndarray.h"

enum { ARRAYS_MOST = 1024 /**< samples of a request */ };

/** A request: {"inputs": [[…], …], "model": NAME, "type": "floats" or "bytes"}, of which only the
    inputs are needed. */
typedef struct {
  json_t *object;
  const char *model; /**< NULL: all networks that take such samples */
  dg_ndarray inputs; /**< [samples, …], of rank 2 to 4 */
  void *numbers;     /**< of the inputs */
} arrays_request;

/** Is a body JSON, an object or an array, not a picture? An array is no request. */
bool arrays_are_json(const void *bytes, size_t size);

/** Reads a request. What is nested too deep, or no request, is refused before it takes memory. Free
    with arrays_free, also after a failure. */
bool arrays_read(arrays_request *request, const void *bytes, size_t size, dg_error *err);
void arrays_free(arrays_request *request);

#endif
