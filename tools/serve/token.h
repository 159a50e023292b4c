/** The secret that requests to digits-serve must have, if there is one. */
#ifndef DG_SERVE_TOKEN_H
#define DG_SERVE_TOKEN_H

#include <stdbool.h>

#include "digits/error.h"

enum { TOKEN_MIN = 16, TOKEN_MAX = 128, TOKEN_SIZE = TOKEN_MAX + 1 };

/** Sets a given token. One that is too short, or not valid in a URL, is an error, which shows where
    it is `from`. */
bool token_take(const char *given, const char *from, char token[TOKEN_SIZE], dg_error *err);

/** Sets the token to the first line of a file. */
bool token_read(const char *path, char token[TOKEN_SIZE], dg_error *err);

/** Makes one of 128 random bits. */
bool token_make(char token[TOKEN_SIZE], dg_error *err);

/** Is it the token? Compares in a time that depends only on the length. */
bool token_is(const char *token, const char *given);

#endif
