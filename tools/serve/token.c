#include "tools/serve/token.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/file/file.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

bool token_take(const char *given, const char *from, char token[TOKEN_SIZE], dg_error *err) {
  size_t length = strlen(given);
  if (length < TOKEN_MIN || length > TOKEN_MAX || strspn(given, letters) != length)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: a token is %d to %d letters, digits, -, ., _ and ~; as one that is made by "
                   "openssl rand -hex 16",
                   from, TOKEN_MIN, TOKEN_MAX);
  memcpy(token, given, length + 1);
  return true;
}

bool token_read(const char *path, char token[TOKEN_SIZE], dg_error *err) {
  enum { MAX_BYTES = 4096 };
  size_t size;
  char *text = dg_file_read(path, MAX_BYTES, &size, err);
  if (!text) return false;
  text[strcspn(text, "\r\n")] = '\0';
  bool ok = token_take(text, path, token, err);
  free(text);
  return ok;
}

bool token_make(char token[TOKEN_SIZE], dg_error *err) {
  uint8_t bytes[16];
  if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
    return dg_fail(err, DG_ERR_RUNTIME, "no token could be made: %s; give one by --token-file",
                   strerror(errno));
  for (size_t i = 0; i < sizeof bytes; i++) snprintf(token + 2 * i, 3, "%02x", bytes[i]);
  return true;
}

bool token_is(const char *token, const char *given) {
  size_t length = strlen(token), size = strlen(given);
  unsigned char differ = length != size;
  for (size_t i = 0; i < size; i++) differ |= (unsigned char)(token[i % length] ^ given[i]);
  return differ == 0;
}
