/** What names say: their order, what they have in common, which of our layers they speak of. */
#ifndef DG_ALIKE_H
#define DG_ALIKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Orders two names as people do: numbers in them by their size. */
int dg_names_compare(const char *a, const char *b);

/** Are two names alike but for their numbers? */
bool dg_names_alike(const char *a, const char *b);

/** How two names are ordered by their numbers: below 0, above 0; 0: they are not alike. */
int dg_names_order(const char *a, const char *b);

/** Is `layer` the last part of a name, behind a '.' or '/' or as a whole? */
bool dg_name_ends(const char *name, const char *layer);

/** Is `layer` a word of a name? Case doesn't matter: "net_FC1" speaks of fc1. */
bool dg_name_mentions(const char *name, const char *layer);

/** Does the name of a lone tensor say by its letters that it is another parameter than `suffix`? */
bool dg_name_denies(const char *name, const char *suffix);

#endif
