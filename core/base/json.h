/** Reading JSON. */
#ifndef DG_JSON_H
#define DG_JSON_H

#include <jansson.h>
#include <stdbool.h>

/**
 * json_loadb, but returns NULL and sets `starved` if memory ran out: jansson's lexer would silently
 * drop a byte of a string.
 */
json_t *dg_json_read(const char *text, size_t length, size_t flags, json_error_t *wrong,
                     bool *starved);

#endif
