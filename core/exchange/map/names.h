/** Prepares a file's tensors for the mapping: renames them and groups them into layers. */
#ifndef DG_NAMES_H
#define DG_NAMES_H

#include "core/exchange/map/layout.h"
#include "digits/exchange.h"

/** The layers of a file, in its order. */
typedef struct {
  size_t count;
  dg_group *items;
  size_t loose; /**< tensors whose names contain no layer; their numbers are in `loose_members` */
  size_t *loose_members;
} dg_groups;

/** Renames and drops as the options say, and drops what no network needs. */
bool dg_names_prepare(dg_arrays *arrays, const dg_convert_options *options, dg_error *err);

/** Can all tensors of a group be left out? */
bool dg_group_spare(const dg_arrays *arrays, const dg_group *group);

/** Groups tensors into layers, and finds the prefix that all names have. Free with
    dg_groups_free. */
bool dg_groups_make(dg_groups *groups, const dg_arrays *arrays, dg_error *err);
void dg_groups_free(dg_groups *groups);

#endif
