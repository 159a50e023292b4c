/** The command line of digits-serve. */
#ifndef DG_SERVE_OPTIONS_H
#define DG_SERVE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "digits/error.h"

typedef enum { SERVE_PAGE, SERVE_HELP, SERVE_VERSION } serve_task;

typedef struct {
  serve_task task;
  char **weights;         /**< paths or names for dg_weights_find */
  uint32_t weights_count; /**< 0: all that are found by name */
  const char *listen;     /**< a numeric address; NULL: loopback only */
  uint32_t port;          /**< 0: any free port */
  const char *token, *token_file;
  const char *backend, *device;
  uint32_t threads;
  double min_probability; /**< 0: not given */
} serve_options;

/** Reads the command line; strings point into argv. */
bool serve_options_read(serve_options *out, int argc, char **argv, dg_error *err);

extern const char serve_options_help[];

#endif
