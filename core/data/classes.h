/** Names of classes as text. */
#ifndef DG_DATA_CLASSES_H
#define DG_DATA_CLASSES_H

#include "digits/data.h"

/** Reads names from text, one per line; messages name `where` it is from. */
bool dg_classes_parse(dg_classes *classes, const char *text, const char *where, dg_error *err);

/** The names as text, in new memory. */
char *dg_classes_text(const dg_classes *classes, dg_error *err);

/** Adds a name. It may be empty and need not end with a zero byte. */
bool dg_classes_add(dg_classes *classes, const char *name, size_t length, const char *where,
                    dg_error *err);

/** The first label whose names in both differ; the smaller count if there is none. */
uint32_t dg_classes_differ(const dg_classes *a, const dg_classes *b);

#endif
