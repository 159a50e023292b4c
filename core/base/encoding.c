#include "core/base/encoding.h"

#include <string.h>

/** Are these four bytes two characters of UTF-16? */
static bool is_wide(const char *text) {
  return (text[0] && !text[1] && text[2] && !text[3]) ||
         (!text[0] && text[1] && !text[2] && text[3]);
}

bool dg_text_mark(const char *text, size_t size, const char *path, size_t *mark, dg_error *err) {
  const bool marked =
      size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
  *mark = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  return !(marked || (size >= 4 && is_wide(text))) ||
         dg_fail(err, DG_ERR_INPUT, "%s: the text is UTF-16 or UTF-32; save it as UTF-8", path);
}

const char *dg_text_begin(const char *text, size_t size, const char *path, dg_error *err) {
  size_t mark;
  if (!dg_text_mark(text, size, path, &mark, err)) return NULL;
  if (strlen(text) < size) {
    dg_fail(err, DG_ERR_INPUT, "%s: this is no text: it holds binary data (byte %zu is zero)", path,
            strlen(text) + 1);
    return NULL;
  }
  return text + mark;
}
