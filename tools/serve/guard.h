/** Whom digits-serve answers: not the pages of others, though a browser here would ask for them. */
#ifndef DG_SERVE_GUARD_H
#define DG_SERVE_GUARD_H

#include <stdbool.h>

/**
 * Does the header Host name the server by an address or as localhost? Any other name could be one
 * that its owner lets point here, to read the answers by a page of its own (DNS rebinding).
 */
bool guard_host(const char *host);

/** Does the request come from our own page, or from no page? `origin`: the header; NULL: none. */
bool guard_origin(const char *origin, const char *host);

/** Is an address to listen on one that this machine alone reaches? NULL, the default, is. */
bool guard_local(const char *address);

#endif
