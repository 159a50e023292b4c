/**
 * Keys of a model file. One table describes the keys of a group; with it they are read into a
 * struct, checked and explained (--help layers).
 */
#ifndef DG_KEYS_H
#define DG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

struct config_setting_t;

typedef enum {
  DG_KEY_COUNT,        /**< whole number -> uint32_t */
  DG_KEY_NUMBER,       /**< number -> double */
  DG_KEY_BOOL,         /**< true or false -> bool */
  DG_KEY_CHOICE,       /**< one of some words -> int, its index in `choices` */
  DG_KEY_PAIR,         /**< n or [n, m] -> uint32_t[2] (height, width) */
  DG_KEY_PADDING,      /**< n, [n, m], [top, left, bottom, right] or "same" -> dg_padding */
  DG_KEY_SIDES,        /**< the same without the word */
  DG_KEY_STEP_PADDING, /**< n, [before, after] or "same" -> dg_padding, of one dimension */
  DG_KEY_STEP_SIDES,   /**< the same without the word */
  DG_KEY_NAME,         /**< letters, digits, _ and -: char[DG_NAME_SIZE] */
  DG_KEY_LINE,         /**< a line of text: char[DG_LINE_SIZE] */
  DG_KEY_NUMBERS, /**< n, [n, …] of at most `most` numbers, or one of some words -> dg_number_list
                   */
} dg_key_type;

/** Zeros around an image (height, width), above and to the left, below and to the right; `same`: as
    many as make the output as large as the input by the stride, rounded up. Those of a sequence are
    at index 0. */
typedef struct {
  uint32_t begin[2], end[2];
  bool same;
} dg_padding;

enum { DG_NAME_SIZE = 64, DG_LINE_SIZE = 160 };

/** The value of a key that takes numbers or a word; all 0: none. */
typedef struct {
  uint32_t count;
  double *values; /**< [count], freed by dg_number_list_free */
  int word;       /**< 1 + its index in `choices`; 0: none */
} dg_number_list;

void dg_number_list_free(dg_number_list *numbers);

/** One key: where its value goes and which values it takes. */
typedef struct {
  const char *name;
  dg_key_type type;
  size_t offset;    /**< of the value in the config struct */
  double low, high; /**< range; high 0: only the type's upper limit */
  bool above_low;   /**< low itself is not allowed */
  bool below_high;  /**< high itself is not allowed */
  bool required;
  const char *const
      *choices;  /**< NULL-terminated; of DG_KEY_NUMBERS: words beside numbers, or NULL */
  uint32_t most; /**< numbers of DG_KEY_NUMBERS */
  const char *help;
} dg_key;

/** A group of keys and the struct that they fill. */
typedef struct {
  const char *what; /**< for messages: "layer \"conv2d\"", "train" */
  const dg_key *keys;
  size_t count;
  const void *defaults; /**< config struct with the default values */
  size_t size;          /**< of the config struct */
} dg_key_table;

/** Makes a table from a list of keys and the defaults, which determine the type of the struct. */
#define DG_KEY_TABLE(label, list, initial)                                                         \
  {                                                                                                \
    .what = label, .keys = list, .count = sizeof(list) / sizeof *(list), .defaults = &(initial),   \
    .size = sizeof(initial)                                                                        \
  }

/**
 * Fills `config` from a group: defaults first, then every key that is set. Keys in `also` (count
 * `also_count`) are the caller's and are skipped. An unknown key, a wrong type, a value out of
 * range or a missing key is an error with file, line and remedy. The caller frees each
 * dg_number_list in `config`, also after an error.
 */
bool dg_keys_read(const struct config_setting_t *group, const dg_key_table *table,
                  const char *const *also, size_t also_count, void *config, dg_error *err);

/** Copies a name (letters, digits, _ and -) to `out` [DG_NAME_SIZE]; false if it is not valid. */
bool dg_name_read(const char *word, char *out);

/** Text of a key's values, for help: `whole number >= 1, default 1`. */
void dg_key_describe(const dg_key *key, const void *defaults, char *text, size_t capacity);

/**
 * The error for a word that is not in `names`: `unknown WHAT "WORD"CONTEXT; did you mean "…"?`, or
 * the list of names if none is near. `context` is empty or like ` in train`.
 */
bool dg_fail_unknown(dg_error *err, const struct config_setting_t *setting, const char *what,
                     const char *word, const char *context, const char *const *names, size_t count);

/** Like dg_fail(DG_ERR_INPUT), with the location of the setting (file:line or --set …) in front. */
__attribute__((format(printf, 3, 4))) bool
dg_fail_at(dg_error *err, const struct config_setting_t *setting, const char *format, ...);

#endif
