/** The worst mistakes: pictures and sequences as figures, rows of tables as rows. */
#ifndef DG_MISTAKES_H
#define DG_MISTAKES_H

#include "report/page.h"
#include "report/tested/answers.h"
#include "report/tested/shown.h"

/** Adds a section with them, and writes those that are pictures or sequences as a file. */
bool mistakes_add(page *p, const shown *s, const answers *a, dg_error *err);

#endif
