/** The secret that requests to digits-serve must know, where it has one. */
#ifndef DG_SERVE_TOKEN_H
#define DG_SERVE_TOKEN_H

#include <stdbool.h>

#include "digits/error.h"

enum { TOKEN_MIN = 16, TOKEN_MAX = 128, TOKEN_SIZE = TOKEN_MAX + 1 };

/** Takes a token that was given; one that is too short, or no part of an address, is an error;
    `from` says there who gave it. */
bool token_take(const char *given, const char *from, char token[TOKEN_SIZE], dg_error *err);

/** Takes the first line of a file. */
bool token_read(const char *path, char token[TOKEN_SIZE], dg_error *err);

/** Makes one of 128 random bits. */
bool token_make(char token[TOKEN_SIZE], dg_error *err);

/** Is it the token? Takes as long for any that is as long as another. */
bool token_is(const char *token, const char *given);

#endif
