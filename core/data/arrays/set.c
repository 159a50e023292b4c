#include "core/data/arrays/set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/error.h"

/* ---- names -------------------------------------------------------------- */

/* Keras's, and what else is usual. */
static const dg_array_names known[] = {
    {{"x_train", "y_train", "x_test", "y_test"}},
    {{"X_train", "y_train", "X_test", "y_test"}},
    {{"train_images", "train_labels", "test_images", "test_labels"}},
    {{"X", "y", "", ""}},
    {{"x", "y", "", ""}},
};
enum { KNOWN = sizeof known / sizeof *known };

bool dg_arrays_known(dg_array_names *names, const char *inputs) {
  for (size_t i = 0; i < KNOWN; i++)
    if (strcmp(known[i].name[0], inputs) == 0) return *names = known[i], true;
  return false;
}

/** Splits "x,y" or "x,y,x2,y2". */
static bool split_names(dg_array_names *names, const char *text, dg_error *err) {
  const char *at = text;
  unsigned count = 0;
  *names = (dg_array_names){0};
  bool more = true;
  for (; more; count++) {
    const size_t length = strcspn(at, ",");
    if (count == DG_SET_ARRAYS || length == 0 || length >= DG_ARRAY_NAME) break;
    memcpy(names->name[count], at, length);
    more = at[length] == ',';
    at += length + more;
  }
  if (!more && (count == 2 || count == DG_SET_ARRAYS)) return true;
  return dg_fail(err, DG_ERR_INPUT,
                 "\"%.200s\" must name two arrays, inputs and targets, or four, those to test too, "
                 "separated by commas",
                 text);
}

static bool check_there(const dg_array_names *names, dg_has_array *has, const void *user,
                        const char *path, dg_error *err) {
  for (unsigned i = 0; i < DG_ARRAYS; i++)
    if (*names->name[i] && !has(user, names->name[i]))
      return dg_fail(err, DG_ERR_INPUT, "%s: there is no array \"%s\" in it", path, names->name[i]);
  return true;
}

/** Finds the lengths of sequences: those of both parts, or of none. */
static bool find_lengths(dg_array_names *names, dg_has_array *has, const void *user,
                         const char *path, dg_error *err) {
  static const char *const of[] = {"lengths_train", "lengths_test"};
  const bool tests = *names->name[2], train = has(user, of[0]), test = has(user, of[1]);
  const char *first = !tests && !train && has(user, "lengths") ? "lengths" : of[0];
  if (tests ? train != test : test)
    return dg_fail(err, DG_ERR_INPUT,
                   "%s: there is %s, but not %s: sequences of unequal length have both, beside "
                   "inputs to learn from and to test",
                   path, of[!train], tests ? of[train] : "an array of inputs to test");
  if (!train && strcmp(first, "lengths") != 0) return true;
  snprintf(names->name[DG_SET_ARRAYS], DG_ARRAY_NAME, "%s", first);
  if (tests) snprintf(names->name[DG_SET_ARRAYS + 1], DG_ARRAY_NAME, "%s", of[1]);
  return true;
}

bool dg_arrays_find(dg_array_names *names, const dg_dataset_options *options, dg_has_array *has,
                    const void *user, const char *path, dg_error *err) {
  if (options->arrays)
    return split_names(names, options->arrays, err) && find_lengths(names, has, user, path, err) &&
           check_there(names, has, user, path, err);
  for (size_t i = 0; i < KNOWN; i++) {
    if (!has(user, known[i].name[0])) continue;
    *names = known[i];
    const bool x = *names->name[2] && has(user, names->name[2]);
    const bool y = *names->name[3] && has(user, names->name[3]);
    if (!x && !y) names->name[2][0] = names->name[3][0] = '\0';
    return find_lengths(names, has, user, path, err) && check_there(names, has, user, path, err);
  }
  return dg_fail(err, DG_ERR_INPUT,
                 "%s: no array x_train, X_train, train_images, X or x is in it; tell the names of "
                 "inputs and targets",
                 path);
}

/* ---- samples ------------------------------------------------------------ */

static bool check_count(const dg_numbers *inputs, const dg_numbers *targets, dg_error *err) {
  char where[600];
  return inputs->dim[0] == targets->dim[0] ||
         dg_fail(err, DG_ERR_INPUT, "%s: %s has %llu samples, but %s has %llu",
                 dg_numbers_where(inputs, where, sizeof where), *inputs->name ? inputs->name : "it",
                 (unsigned long long)inputs->dim[0], *targets->name ? targets->name : targets->path,
                 (unsigned long long)targets->dim[0]);
}

/** Fills a part from its two arrays, and the lengths of its sequences, if there are any. */
static bool take_part(dg_samples *samples, dg_numbers arrays[2], dg_numbers *lengths, bool labels,
                      const dg_dataset_options *options, dg_error *err) {
  const bool last = dg_numbers_are_last(&arrays[0], options);
  return check_count(&arrays[0], &arrays[1], err) &&
         (!lengths->bytes || (check_count(&arrays[0], lengths, err) &&
                              dg_numbers_to_lengths(lengths, &arrays[0], samples, err))) &&
         dg_numbers_to_inputs(&arrays[0], samples, options, err) &&
         (labels ? dg_numbers_to_labels(&arrays[1], samples, err)
                 : dg_numbers_turn_targets(&arrays[1], samples, last, options, err) &&
                       dg_numbers_to_targets(&arrays[1], samples, err)) &&
         dg_samples_check_lengths(samples, arrays[0].path, err);
}

/** Are samples to test like those to learn from? */
static bool check_same(const dg_dataset *set, const dg_numbers arrays[DG_ARRAYS], dg_error *err) {
  const dg_sample_kind *a = &set->train.kind, *b = &set->test.kind;
  char where[600], train[64], test[64];
  if (dg_kind_equal(a, b)) return true;
  dg_numbers_where(&arrays[dg_shape_equal(&a->shape, &b->shape) && a->type == b->type ? 3 : 2],
                   where, sizeof where);
  if (a->targets != b->targets)
    return dg_fail(err, DG_ERR_INPUT, "%s: %u targets a sample, but %u to learn from", where,
                   b->targets, a->targets);
  return dg_fail(err, DG_ERR_INPUT,
                 "%s: samples are of %s (%s), but those to learn from of %s (%s)", where,
                 dg_kind_text(b, test, sizeof test), b->type ? "floats" : "bytes",
                 dg_kind_text(a, train, sizeof train), a->type ? "floats" : "bytes");
}

bool dg_arrays_take(dg_dataset *set, dg_numbers arrays[DG_ARRAYS],
                    const dg_dataset_options *options, dg_error *err) {
  const bool tests = arrays[2].bytes && arrays[3].bytes;
  const bool labels = !options->targets && dg_numbers_are_labels(&arrays[1]) &&
                      (!tests || dg_numbers_are_labels(&arrays[3]));
  dg_numbers *lengths = arrays + DG_SET_ARRAYS;
  if (!take_part(&set->train, arrays, &lengths[0], labels, options, err)) return false;
  if (tests && (!take_part(&set->test, arrays + 2, &lengths[1], labels, options, err) ||
                !check_same(set, arrays, err)))
    return false;
  if (!tests && !dg_dataset_hold_out(set, err)) return false;
  dg_dataset_count_classes(set);
  return true;
}
