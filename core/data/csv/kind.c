#include "core/data/csv/kind.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/data/csv/csv.h"
#include "core/data/csv/numbers.h"

/** A line of the table; `end` is where it ends. */
typedef struct {
  const char *at, *end;
} line;

static line take_line(const char **at, const char *end) {
  const char *feed = memchr(*at, '\n', (size_t)(end - *at));
  line l = {*at, feed ? feed : end};
  *at = feed ? feed + 1 : end;
  if (l.end > l.at && l.end[-1] == '\r') l.end--;
  return l;
}

/** The field at `at`, without quotes; `*at` is then the next one. */
static line take_word(const char **at, const line *l) {
  const char *comma = memchr(*at, ',', (size_t)(l->end - *at));
  line word = {*at, comma ? comma : l->end};
  *at = comma ? comma + 1 : l->end;
  if (word.end - word.at >= 2 && *word.at == '"' && word.end[-1] == '"') word.at++, word.end--;
  return word;
}

static bool is_word(const line *word, const char *wanted) {
  const size_t length = (size_t)(word->end - word->at);
  return length == strlen(wanted) && strncasecmp(word->at, wanted, length) == 0;
}

static bool is_byte(const line *word) {
  unsigned number = 0;
  const char *at = word->at;
  for (; at < word->end && isdigit((unsigned char)*at) && number <= UINT8_MAX; at++)
    number = number * 10 + (unsigned)(*at - '0');
  return word->end > word->at && at == word->end && number <= UINT8_MAX;
}

/** Are the columns called pixel0, pixel1, … (or 1x1, 1x2, …), and is one of them `label`? */
static bool names_pixels(const line *header, uint32_t *columns) {
  const char *at = header->at;
  line word = take_word(&at, header);
  const bool labelled = is_word(&word, "label");
  if (labelled) word = take_word(&at, header);
  *columns = 1;
  for (const char *c = word.at; c < header->end; c++) *columns += *c == ',';
  return is_word(&word, "pixel0") || is_word(&word, "pixel1") || is_word(&word, "1x1");
}

/** Is the model's input a square image of one channel, or not known? */
static bool takes_square(const dg_dataset_options *o) {
  const uint32_t *dim = o->dim;
  return o->rank == 0 || (o->rank == 2 && dim[0] == dim[1]) ||
         (o->rank == 3 && dim[0] == 1 && dim[1] == dim[2]);
}

/** Has the first row only whole numbers from 0 to 255, or is there none? */
static bool has_bytes(const line *row) {
  const char *at = row->at;
  bool bytes = true;
  while (bytes && at < row->end) {
    const line word = take_word(&at, row);
    bytes = is_byte(&word);
  }
  return bytes;
}

bool dg_csv_is_numbers(const dg_csv_file *file, const dg_dataset_options *o) {
  const char *at = (const char *)file->bytes + file->at,
             *end = (const char *)file->bytes + file->end;
  uint32_t columns;
  if (o->label || o->targets || o->decimal_comma || dg_csv_learned(o)) return true;
  if (o->like) return false;
  const line header = take_line(&at, end), row = take_line(&at, end);
  if (header.at == header.end) return false;
  const bool pixels = names_pixels(&header, &columns);
  if (dg_csv_side(columns) == 0 || !has_bytes(&row)) return !pixels;
  return !pixels && !takes_square(o);
}
