/** Compares names: their order, their similarity, and mentions of our layers. */
#ifndef DG_ALIKE_H
#define DG_ALIKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Natural order of two names: numbers in them are compared by value. */
int dg_names_compare(const char *a, const char *b);

/** Are two names equal except for their numbers? */
bool dg_names_alike(const char *a, const char *b);

/** Order of two names by their numbers: below 0, above 0; 0: they differ in more than numbers. */
int dg_names_order(const char *a, const char *b);

/** Is `layer` the last part of a name, after a '.' or '/', or the whole name? */
bool dg_name_ends(const char *name, const char *layer);

/** Is `layer` a word in a name? Case is ignored: "net_FC1" mentions fc1. */
bool dg_name_mentions(const char *name, const char *layer);

/** Does the name of a tensor without layer suggest another parameter than `suffix`? */
bool dg_name_denies(const char *name, const char *suffix);

#endif
