/** JSON that is read. */
#ifndef DG_JSON_H
#define DG_JSON_H

#include <jansson.h>
#include <stdbool.h>

/**
 * json_loadb, but NULL with `starved` where memory ran out on the way: jansson's lexer leaves a
 * byte out of a string then, and says nothing.
 */
json_t *dg_json_read(const char *text, size_t length, size_t flags, json_error_t *wrong,
                     bool *starved);

#endif
