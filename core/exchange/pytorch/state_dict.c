#include "core/exchange/pytorch/state_dict.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"

enum { DEEPEST = 3, MOST_ENTRIES = 1 << 22, LISTED = 400, SHOWN = 80 };

/* ---- dictionaries ------------------------------------------------------- */

/** Where a walk through a dictionary is. */
typedef struct {
  uint32_t left, cell;
  const dg_pickle_value *key, *value;
} walk;

static walk begin(const dg_pickle_value *dict) {
  return (walk){.left = dict->count, .cell = dict->first};
}

/** Steps to the next key and value; false: there is none. */
static bool next(const dg_pytorch_file *file, walk *w) {
  if (w->left == 0) return false;
  const dg_pickle_cell *at = &file->pickle.cells[w->cell], *behind = &file->pickle.cells[at->next];
  w->key = &file->pickle.values[at->value];
  w->value = &file->pickle.values[behind->value];
  w->cell = behind->next;
  w->left -= 2;
  return true;
}

/** Counts the entries of a dictionary that is looked through. One may hold itself or be held many
    times, so all of it is limited. */
static bool count_entries(dg_pytorch_file *file, const dg_pickle_value *dict) {
  file->looked += dict->count / 2;
  return file->looked <= MOST_ENTRIES ||
         dg_fail(file->err, DG_ERR_INPUT,
                 "%s: no state dict was found among %d entries of dictionaries", file->arrays->path,
                 MOST_ENTRIES);
}

static bool has_tensor(const dg_pytorch_file *file, const dg_pickle_value *dict) {
  for (walk w = begin(dict); next(file, &w);)
    if (dg_pytorch_is_tensor(file, w.value)) return true;
  return false;
}

/** Lists the keys of a dictionary that are texts: "\"a\", \"b\"". */
static char *list_keys(const dg_pytorch_file *file, const dg_pickle_value *dict, char *text) {
  char key[SHOWN];
  size_t used = 0;
  snprintf(text, LISTED, "nothing");
  for (walk w = begin(dict); next(file, &w) && used + SHOWN + 20 < LISTED;) {
    if (w.key->kind != DG_PICKLE_TEXT) continue;
    dg_pickle_text(w.key, key, sizeof key);
    used += (size_t)snprintf(text + used, LISTED - used, "%s\"%s\"", used ? ", " : "", key);
    if (w.left && used + SHOWN + 20 >= LISTED) dg_append(text, LISTED, " and more");
  }
  return text;
}

/* ---- what a dictionary holds -------------------------------------------- */

static const char *const usual[] = {"state_dict", "model_state_dict", "model",  "module",
                                    "net",        "network",          "params", "weights",
                                    "model_state"};
enum { USUAL = sizeof usual / sizeof *usual };

/** What may be the state dict in a dictionary. */
typedef struct {
  const dg_pickle_value *usual[USUAL]; /**< the dictionary of that name, or NULL */
  bool tensors;                        /**< it has tensors itself */
  bool layers;                         /**< and they have names of layers */
  const dg_pickle_value *object;       /**< what is no dictionary under a usual name, or NULL */
} content;

static content look_into(const dg_pytorch_file *file, const dg_pickle_value *dict) {
  content c = {0};
  for (walk w = begin(dict); next(file, &w);) {
    if (dg_pytorch_is_tensor(file, w.value)) {
      c.tensors = true;
      c.layers |= w.key->kind == DG_PICKLE_TEXT && memchr(w.key->text, '.', w.key->length);
    } else if (w.value->kind == DG_PICKLE_DICT || w.value->kind == DG_PICKLE_CALL) {
      for (size_t i = 0; i < USUAL; i++) {
        if (!dg_pickle_is(w.key, usual[i])) continue;
        if (w.value->kind == DG_PICKLE_DICT)
          c.usual[i] = w.value;
        else
          c.object = w.value;
      }
    }
  }
  return c;
}

/** Does a key speak of something else than the weights of the last step? */
static bool speaks_of_others(const dg_pickle_value *key) {
  static const char *const words[] = {"ema",    "swa",   "avg",   "average",
                                      "shadow", "optim", "sched", "scaler"};
  char text[SHOWN];
  dg_pickle_text(key, text, sizeof text);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    size_t length = strlen(words[i]);
    for (const char *at = text; *at; at++) {
      bool begins = at == text || strchr("_.-", at[-1]);
      bool whole = length > 3 || !(at[length] >= 'a' && at[length] <= 'z');
      if (begins && strncasecmp(at, words[i], length) == 0 && whole) return true;
    }
  }
  return false;
}

/* ---- finding ------------------------------------------------------------ */

static bool fail_two(const dg_pytorch_file *file, const char *first, const char *second) {
  return dg_fail(file->err, DG_ERR_INPUT,
                 "%s: both %s and %s have weights, and it has to be said which ones are meant",
                 file->arrays->path, first, second) ||
         dg_advise(file->err, DG_REMEDY_KEY);
}

static bool find_within(dg_pytorch_file *file, const dg_pickle_value *dict, int depth,
                        const dg_pickle_value **found);

/** Finds the weights under the usual names; two of them are an error. */
static bool find_usual(dg_pytorch_file *file, const content *c, int depth,
                       const dg_pickle_value **found) {
  char first[SHOWN], second[SHOWN];
  *first = '\0';
  for (size_t i = 0; i < USUAL && depth < DEEPEST; i++) {
    const dg_pickle_value *within = NULL;
    if (!c->usual[i]) continue;
    if (!find_within(file, c->usual[i], depth + 1, &within)) return false;
    if (!within || within == *found) continue;
    snprintf(*first ? second : first, SHOWN, "\"%s\"", usual[i]);
    if (*found) return fail_two(file, first, second);
    *found = within;
  }
  return !*found || !c->layers || fail_two(file, "the top", first);
}

/** Finds the only dictionary with tensors that is nothing else than weights. */
static bool find_other(dg_pytorch_file *file, const dg_pickle_value *dict,
                       const dg_pickle_value **found) {
  const dg_pickle_value *name = NULL;
  char first[SHOWN], second[SHOWN], quoted[2][SHOWN + 2];
  for (walk w = begin(dict); next(file, &w);) {
    if (w.key->kind != DG_PICKLE_TEXT || w.value->kind != DG_PICKLE_DICT || w.value == *found)
      continue;
    if (!count_entries(file, w.value)) return false;
    if (speaks_of_others(w.key) || !has_tensor(file, w.value)) continue;
    if (*found) {
      snprintf(quoted[0], sizeof *quoted, "\"%s\"", dg_pickle_text(name, first, sizeof first));
      snprintf(quoted[1], sizeof *quoted, "\"%s\"", dg_pickle_text(w.key, second, sizeof second));
      return fail_two(file, quoted[0], quoted[1]);
    }
    *found = w.value;
    name = w.key;
  }
  return true;
}

/**
 * Finds the weights in a dictionary; NULL: there are none. Tensors at the top that name no layer,
 * such as a best accuracy, are no weights if another dictionary has some.
 */
static bool find_within(dg_pytorch_file *file, const dg_pickle_value *dict, int depth,
                        const dg_pickle_value **found) {
  if (!count_entries(file, dict)) return false;
  content c = look_into(file, dict);
  if (!find_usual(file, &c, depth, found)) return false;
  if (!*found && !c.layers && depth == 0 && !find_other(file, dict, found)) return false;
  if (!*found && c.tensors) *found = dict;
  return true;
}

/* ---- keys --------------------------------------------------------------- */

/** The value of the longest key of a dictionary that `path` begins with, before a '.' or its end;
    steps over it. NULL: there is none. */
static const dg_pickle_value *follow(const dg_pytorch_file *file, const dg_pickle_value *dict,
                                     const char **path) {
  const dg_pickle_value *best = NULL;
  size_t longest = 0, all = strlen(*path);
  for (walk w = begin(dict); next(file, &w);) {
    size_t length = w.key->kind == DG_PICKLE_TEXT ? w.key->length : 0;
    if (length < longest || length == 0 || length > all ||
        memcmp(*path, w.key->text, length) != 0 || (length < all && (*path)[length] != '.'))
      continue;
    longest = length;
    best = w.value;
  }
  *path += longest + ((*path)[longest] == '.' && best);
  return best;
}

/** Does the name of a tensor begin with `part` and '.'? */
static bool has_names_under(const dg_pytorch_file *file, const dg_pickle_value *dict,
                            const char *part) {
  size_t length = strlen(part);
  for (walk w = begin(dict); next(file, &w);)
    if (w.key->kind == DG_PICKLE_TEXT && w.key->length > length + 1 &&
        memcmp(w.key->text, part, length) == 0 && w.key->text[length] == '.' &&
        dg_pytorch_is_tensor(file, w.value))
      return true;
  return false;
}

/** Follows arrays->key from the top. */
static bool follow_key(dg_pytorch_file *file, const dg_pickle_value **dict) {
  const char **path = &file->arrays->key;
  char keys[LISTED];
  while (*path && **path && !has_names_under(file, *dict, *path)) {
    const dg_pickle_value *within = follow(file, *dict, path);
    if (within && within->kind == DG_PICKLE_DICT) {
      *dict = within;
      continue;
    }
    if (within)
      return dg_fail(
                 file->err, DG_ERR_INPUT,
                 "%s: what the key leads to is no dictionary of tensors; beside it there are %s",
                 file->arrays->path, list_keys(file, *dict, keys)) ||
             dg_advise(file->err, DG_REMEDY_KEY);
    return dg_fail(file->err, DG_ERR_INPUT, "%s has no \"%s\"; there are %s", file->arrays->path,
                   *path, list_keys(file, *dict, keys)) ||
           dg_advise(file->err, DG_REMEDY_KEY);
  }
  return true;
}

/* ---- all together ------------------------------------------------------- */

static bool is_object(const dg_pickle_value *value) {
  return value->kind == DG_PICKLE_CALL;
}

static bool add_all(dg_pytorch_file *file, const dg_pickle_value *dict) {
  for (walk w = begin(dict); next(file, &w);) {
    char name[300];
    if (!is_object(w.value)) continue;
    bool named = w.key->kind == DG_PICKLE_TEXT && w.key->length < sizeof name &&
                 !memchr(w.key->text, '\0', w.key->length);
    if (!named && !dg_pytorch_is_tensor(file, w.value)) continue;
    if (!named)
      return dg_fail(file->err, DG_ERR_INPUT, "%s: a tensor's name is no text, or too long",
                     file->arrays->path);
    snprintf(name, sizeof name, "%.*s", (int)w.key->length, w.key->text);
    if (!dg_pytorch_add(file, name, w.value)) return false;
  }
  return true;
}

/** What is in the place of a state dict or of its first tensor; NULL: nothing is. */
static const dg_pickle_value *object_in(const dg_pytorch_file *file, const dg_pickle_value *root) {
  if (root->kind != DG_PICKLE_DICT) return is_object(root) ? root : NULL;
  content c = look_into(file, root);
  if (c.object) return c.object;
  for (walk w = begin(root); next(file, &w);)
    if (is_object(w.value) && w.key->kind == DG_PICKLE_TEXT &&
        memchr(w.key->text, '.', w.key->length))
      return w.value;
  return NULL;
}

/** Fails because there is no state dict; names the object that is in its place, if there is one. */
static bool fail_none(const dg_pytorch_file *file, const dg_pickle_value *root) {
  char what[SHOWN] = "", keys[LISTED];
  bool dict = root->kind == DG_PICKLE_DICT;
  const dg_pickle_value *object = object_in(file, root);
  if (object) dg_pickle_text(dg_pickle_item(&file->pickle, object, 0), what, sizeof what);
  if (*what)
    return dg_fail(
        file->err, DG_ERR_INPUT,
        "%s: it holds an object of %s, not a state dict of tensors, and nothing was run; "
        "save the weights alone: torch.save(model.state_dict(), FILE)",
        file->arrays->path, what);
  dg_fail(
      file->err, DG_ERR_INPUT,
      "%s: no state dict was found, at the top or under \"state_dict\" or \"model\"%s%s; save it "
      "by torch.save(model.state_dict(), FILE)",
      file->arrays->path, dict ? "; there are " : "", dict ? list_keys(file, root, keys) : "");
  return dg_advise(file->err, DG_REMEDY_KEY);
}

bool dg_pytorch_add_state_dict(dg_pytorch_file *file) {
  const dg_pickle_value *root = &file->pickle.values[file->pickle.root], *found = NULL;
  if (root->kind != DG_PICKLE_DICT) return fail_none(file, root);
  if (!follow_key(file, &root)) return false;
  if (file->arrays->key && *file->arrays->key)
    found = root;
  else if (!find_within(file, root, 0, &found))
    return false;
  return found ? add_all(file, found) : fail_none(file, root);
}
