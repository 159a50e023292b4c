/** The names of a file's tensors before they are mapped: put right, and joined to layers. */
#ifndef DG_NAMES_H
#define DG_NAMES_H

#include "core/exchange/map/layout.h"
#include "digits/exchange.h"

/** The layers of a file, in its order. */
typedef struct {
  size_t count;
  dg_group *items;
  size_t loose; /**< tensors whose names tell no layer, numbered in `loose_members` */
  size_t *loose_members;
} dg_groups;

/** Renames and drops as the options say, and drops what no network needs. */
bool dg_names_prepare(dg_arrays *arrays, const dg_convert_options *options, dg_error *err);

/** Joins tensors to layers, and finds what all their names begin with. Free with dg_groups_free. */
bool dg_groups_make(dg_groups *groups, const dg_arrays *arrays, dg_error *err);
void dg_groups_free(dg_groups *groups);

#endif
