/** Traces thin, nearly straight lines through ink. */
#ifndef DG_TRACE_H
#define DG_TRACE_H

#include "core/picture/ink.h"

/** A direction in which lines are traced: step `along` from column to column of a row, `across`
   from row to row; for upright lines, columns take the place of rows. */
typedef struct {
  uint32_t length, breadth;
  size_t along, across;
} dg_direction;

/** Where a line is in one step along: [first, first + thick) across. */
typedef struct {
  uint32_t at, first, thick;
  uint32_t before; /**< index of the node before it, counted from 1; 0: none */
} dg_line_node;

typedef struct {
  uint32_t first, last; /**< steps along */
  double thick;         /**< mean */
  double begins, ends;  /**< middle of the line across, at `first` and `last` */
  uint32_t node;        /**< its last node, counted from 1 */
  bool chosen;          /**< to be erased */
} dg_line;

typedef struct {
  dg_direction direction;
  uint32_t count, capacity;
  dg_line *lines;
  uint32_t node_count, node_capacity;
  dg_line_node *nodes;
} dg_lines;

/** Traces rows or columns of a picture's ink. Free with dg_lines_free, also on failure. */
bool dg_lines_trace(const dg_ink *ink, bool upright, dg_lines *lines, dg_error *err);
void dg_lines_free(dg_lines *lines);

#endif
