/** Names of classes as text. */
#ifndef DG_DATA_CLASSES_H
#define DG_DATA_CLASSES_H

#include "digits/data.h"

/** Reads names from text, one a line; `where` it is from is named in messages. */
bool dg_classes_parse(dg_classes *classes, const char *text, const char *where, dg_error *err);

/** The names as text, in new memory. */
char *dg_classes_text(const dg_classes *classes, dg_error *err);

/** Adds a name, which may be empty, and which need not end with a zero byte. */
bool dg_classes_add(dg_classes *classes, const char *name, size_t length, const char *where,
                    dg_error *err);

/** The first label that has a name in both and not the same; the lesser count where there is none.
 */
uint32_t dg_classes_differ(const dg_classes *a, const dg_classes *b);

#endif
